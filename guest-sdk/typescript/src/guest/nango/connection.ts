/** What a sync can know of its connection. Never a secret: those stay with the host. */
import * as log from '../log.ts';
import * as metadata from '../metadata.ts';
import * as run from '../run.ts';
import { refused } from '../errors.ts';

/** A connection, as `nango.getConnection` gives it. */
export interface Connection {
  id: number;
  connection_id: string;
  provider_config_key: string;
  provider: string;
  /** The configuration, which the operator sets. */
  connection_config: Record<string, any>;
  metadata: Record<string, any>;
  /**
   * Never a secret: each property reads as the text `{{secret.<name>}}`, in the place of
   * which the host puts the credential in a request's body or query where the operator
   * allows it. Headers need none: the host adds the connection's own.
   */
  credentials: any;
  created_at: string;
  updated_at: string;
  last_fetched_at: string;
  errors: { type: string; log_id: string }[];
  end_user: null;
  tags: Record<string, string>;
}

/** An integration, as `nango.getIntegration` gives it. */
export interface Integration {
  unique_key: string;
  provider: string;
  display_name: string;
  logo: string;
  forward_webhooks: boolean;
  created_at: string;
  updated_at: string;
  webhook_url?: string | null;
  credentials?: null;
}

/** A variable of the environment. */
export interface EnvironmentVariable {
  name: string;
  value: string;
}

/** The connection of this run. Another one cannot be read. */
export function connection(integration: string | undefined, id: string | undefined): Connection {
  const [own, ownId] = [run.integration(), run.connectionId()];
  if ((integration && integration !== own) || (id && id !== ownId)) {
    throw refused(
      `A run reads only its own connection: \`${ownId}\` of \`${own}\`, not \`${id || ownId}\` of \`${integration || own}\`.`,
    );
  }
  const config = run.config();
  const started = run.startedAt().toISOString();
  return {
    id: 0,
    connection_id: ownId,
    provider_config_key: own,
    provider: providerOf(config),
    connection_config: config,
    metadata: metadata.get(),
    credentials: placeholders('', config),
    created_at: started,
    updated_at: started,
    last_fetched_at: started,
    errors: [],
    end_user: null,
    tags: {},
  };
}

/** The integration of this run. */
export function integration(): Integration {
  const key = run.integration();
  const started = run.startedAt().toISOString();
  return {
    unique_key: key,
    provider: provider(),
    display_name: key,
    logo: '',
    forward_webhooks: false,
    created_at: started,
    updated_at: started,
    webhook_url: null,
    credentials: null,
  };
}

/** The provider: what the config has as `provider`, else the integration. */
export function provider(): string {
  return providerOf(run.config());
}

function providerOf(config: Record<string, unknown>): string {
  return typeof config['provider'] === 'string' ? config['provider'] : run.integration();
}

/** The placeholder for the access token. */
export function token(): string {
  return placeholder('access_token');
}

function placeholder(name: string): string {
  log.warnOnce(
    'The sync reads credentials. It gets placeholders such as `{{secret.access_token}}`: the host adds the ' +
      "connection's own credentials to requests, and fills placeholders in a body or query where the " +
      'integration allows it (`placeholders`).',
  );
  return `{{secret.${name}}}`;
}

/**
 * Credentials whose every property is a placeholder. `type` is what the connection's
 * config has as `auth_mode`; `raw` holds the same placeholders one level down.
 */
function placeholders(prefix: string, config: Record<string, unknown>): object {
  return new Proxy(
    {},
    {
      get(_, name) {
        if (typeof name !== 'string' || name === 'then' || name === 'toJSON') return undefined;
        if (name === 'type') return config['auth_mode'];
        if (name === 'raw' && prefix === '') return placeholders('raw.', config);
        return placeholder(`${prefix}${name}`);
      },
      has: (_, name) => typeof name === 'string',
    },
  );
}
