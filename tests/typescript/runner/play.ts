// Plays a scenario: all its runs on Node, then all its runs as a component, against the
// same provider. Answers what each run left behind on either side.

import type { Json, JsonObject } from './cache.ts';
import * as component from './component.ts';
import { load } from './load.ts';
import { Provider, type Seen } from './provider.ts';
import { Connection, type Ending, run as runReference } from './reference.ts';
import type { Places, Run, Scenario } from './scenario.ts';

/** What a run left behind, and what it asked for. */
export interface State {
  ended: Ending['ended'];
  message: string;
  records: Record<string, Record<string, JsonObject>>;
  deleted: Record<string, string[]>;
  /** Null for a killed run, whose checkpoint shows in the next one's requests. */
  checkpoint: JsonObject | null;
  metadata: Json;
  requests: Seen[];
  log: [string, string][];
}

/** The reference's provider without pagination of its own. */
const PLAIN = 'unauthenticated';

/** Runs of the scenario; one that ends well without. */
export function runsOf(scenario: Scenario): Run[] {
  return scenario.runs ?? [{}];
}

/** All runs on Node. `bundle` is the sync as `load.ts` bundled it. */
export async function onNode(scenario: Scenario, provider: Provider, places: Places, bundle: string): Promise<State[]> {
  const connection = new Connection();
  connection.baseUrl = places.url;
  connection.secret = scenario.secret;
  connection.provider = scenario.provider ?? PLAIN;
  connection.metadata = placed(scenario.metadata, places);
  connection.config = placed(scenario.config, places);
  const states: State[] = [];
  for (const [index, run] of runsOf(scenario).entries()) {
    Object.assign(connection.metadata, run.metadata);
    const { killed, isKilled } = kill(provider);
    provider.begin(index + 1);
    const definition = await load(bundle);
    const ending = await runReference(definition, connection, { pastSoftLimit: run.pastSoftLimit ?? false, killed });
    const state = bare(ending, provider, isKilled() ? null : connection.checkpoint, scenario);
    provider.letGo();
    for (const model of Object.keys(definition.models)) {
      state.records[model] = Object.fromEntries(connection.cache.live(model));
      state.deleted[model] = connection.cache.deleted(model);
    }
    state.metadata = structuredClone(connection.metadata);
    states.push(state);
  }
  return states;
}

/** All runs as a component, with the models that the definition names. */
export async function asComponent(
  scenario: Scenario,
  provider: Provider,
  places: Places,
  wasm: string,
  host: component.Host,
  models: string[],
): Promise<State[]> {
  const states: State[] = [];
  const config = placed(scenario.config, places);
  const allowed = places.other ? [places.other] : [];
  for (const [index, run] of runsOf(scenario).entries()) {
    const { killed } = kill(provider);
    provider.begin(index + 1);
    const before = index === 0 ? placed(scenario.metadata, places) : {};
    const ran = await component.run(
      { ...host, integration: scenario.provider ?? PLAIN },
      {
        wasm,
        baseUrl: places.url,
        allowed,
        config,
        metadata: { ...before, ...run.metadata },
        pastSoftLimit: run.pastSoftLimit ?? false,
        killed,
        secret: scenario.secret,
        log: scenario.logs ?? false,
      },
    );
    const state = bare(ran.ending, provider, ran.checkpoint, scenario);
    provider.letGo();
    const at = { ...host, integration: scenario.provider ?? PLAIN };
    for (const model of models) {
      const { live, deleted } = await component.records(at, model);
      state.records[model] = Object.fromEntries(live);
      state.deleted[model] = deleted;
    }
    state.metadata = await component.metadata(at);
    states.push(state);
  }
  return states;
}

function bare(ending: Ending, provider: Provider, checkpoint: JsonObject | null, scenario: Scenario): State {
  const log = scenario.logs ? ending.log : [];
  const { ended, message } = ending;
  return { ended, message, records: {}, deleted: {}, checkpoint: structuredClone(checkpoint), metadata: {}, requests: provider.seen, log };
}

function kill(provider: Provider): { killed: Promise<void>; isKilled: () => boolean } {
  let isKilled = false;
  const killed = new Promise<void>((kill) => {
    provider.onKill = () => {
      isKilled = true;
      kill();
    };
  });
  return { killed, isKilled: () => isKilled };
}

function placed(value: Scenario['metadata'], places: Places): JsonObject {
  const given = typeof value === 'function' ? (value as (places: Places) => object)(places) : (value ?? {});
  return structuredClone(given) as JsonObject;
}
