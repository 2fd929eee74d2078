/** What both syncs of contacts know of Salesforce: its query, its pages, its fields. */
import { z } from 'zod';

/** What is kept of a contact. */
export const Contact = z.object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    account: z.string().nullable(),
    last_modified: z.string()
});
export type Contact = z.infer<typeof Contact>;

const Row = z.object({
    Id: z.string(),
    Name: z.string(),
    Email: z.string().nullable(),
    Account: z.object({ Name: z.string() }).nullable(),
    LastModifiedDate: z.string()
});
export type Row = z.infer<typeof Row>;

export const QueryResult = z.object({
    done: z.boolean(),
    nextRecordsUrl: z.string().optional(),
    records: z.array(Row)
});

/** Where the first page of the contacts is that changed at `since` or later. */
export function contactsQuery(since?: string): { endpoint: string; params?: Record<string, string> } {
    const where = since ? ` WHERE LastModifiedDate >= ${since}` : '';
    return {
        endpoint: '/services/data/v60.0/query',
        // By the date of change, so that the last one of a page is a place to go on from.
        params: {
            q: `SELECT Id, Name, Email, Account.Name, LastModifiedDate FROM Contact${where} ORDER BY LastModifiedDate ASC, Id ASC`
        }
    };
}

export function toContact(row: Row): Contact {
    return {
        id: row.Id,
        name: row.Name,
        email: row.Email,
        account: row.Account?.Name ?? null,
        last_modified: row.LastModifiedDate
    };
}
