// Asks through Nango's official client until the host says that it was too often, and
// prints what the app then sees as a line of JSON.

import { Nango } from '@nangohq/node';

const { host, key, asks } = JSON.parse(process.env.SUITE);
const nango = new Nango({ host, apiKey: key });

try {
    for (let asked = 0; asked < asks; asked += 1) await nango.listIntegrations();
    console.log(JSON.stringify({ status: 200 }));
} catch (error) {
    const { status, headers, data } = error.response;
    console.log(
        JSON.stringify({
            status,
            code: data.error.code,
            path: data.error.path,
            wait: headers['retry-after'],
            remaining: headers['x-ratelimit-remaining']
        })
    );
}
