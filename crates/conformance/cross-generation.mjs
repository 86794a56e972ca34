// What cannot be as it is without the gateway when the server speaks one generation of the protocol and the
// client the other: scenario by scenario, with the reason. All others must pass, and these must not. Where only
// some checks of a scenario are named, its other checks must pass.

/** The revision with which the new generation begins. Revisions are dates, and compare as texts. */
export const FIRST_NEW = '2026-07-28';

/** The suite looks for the key that a server of the new generation gives its question. One of the old has none. */
const KEYS = { why: 'the tool answers with questions that have keys' };
/** The extension for tasks is one of the new generation, and the fixture has no tasks of the old. */
const TASKS = { why: 'the fixture has no tasks in the old generation' };

export const CANNOT = {
  /** The server knows the revisions up to 2025-11-25 alone, the client 2026-07-28. */
  'old-server': {
    'input-required-result-basic-elicitation': KEYS,
    'input-required-result-basic-list-roots': KEYS,
    'input-required-result-basic-sampling': KEYS,
    'input-required-result-capability-check': KEYS,
    'input-required-result-ignore-extra-params': KEYS,
    'input-required-result-missing-input-response': KEYS,
    'input-required-result-multi-round': KEYS,
    'input-required-result-multiple-input-requests': KEYS,
    'input-required-result-non-tool-request': KEYS,
    'input-required-result-request-state': KEYS,
    'input-required-result-result-type': KEYS,
    'input-required-result-tampered-state': KEYS,
    'server-stateless': { ...KEYS, checks: ['sep-2575-http-server-no-independent-requests-on-stream'] },
    'tasks-capability-negotiation': TASKS,
    'tasks-dispatch-and-envelope': TASKS,
    'tasks-lifecycle': TASKS,
    'tasks-mrtr-composition': TASKS,
    'tasks-mrtr-input': TASKS,
    'tasks-request-headers': TASKS,
    'tasks-request-state-removal': TASKS,
    'tasks-wire-fields': TASKS,
  },
  /** The server knows 2026-07-28 alone, the client the revisions before. */
  'new-server': {},
};
