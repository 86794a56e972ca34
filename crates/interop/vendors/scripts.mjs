// What is asked of each server behind the gateway: scripts whose results are the same each time, but for what
// `steady` takes out.
//
// A step is `{ label, run, refused, isOld }`: `run` gets `Asked` of gateway.test.mjs. `refused` is the reason for
// which the gateway refuses such a step by design; `isOld` says that it is none in 2026-07-28.
const step = (label, run, refused) => ({ label, run, refused });

const call = (name, args = {}, refused) =>
  step(`tools/call ${name} ${JSON.stringify(args)}`, (it) => it.call(name, args), refused);
const stepwise = (name, args) => step(`progress of ${name}`, (it) => it.stepwise(name, args));
const read = (uri, refused) => step(`resources/read ${uri}`, (it) => it.client.readResource({ uri }), refused);
const prompt = (name, args, refused) =>
  step(`prompts/get ${name} ${JSON.stringify(args)}`, (it) => it.client.getPrompt({ name, arguments: args }), refused);
const complete = (ref, name, value, context) =>
  step(`completion/complete ${JSON.stringify([ref, name, value, context])}`, (it) =>
    it.client.complete({ ref, argument: { name, value }, ...(context && { context: { arguments: context } }) }),
  );
/** What only clients of the revisions before 2026-07-28 can do. */
const before = (label, run, refused) => ({
  ...step(label, (it) => (it.sdk.isOld ? run(it) : 'not in this revision'), refused),
  isOld: true,
});
const level = (name) => before(`logging/setLevel ${name}`, (it) => it.client.setLoggingLevel(name));
const subscribe = (uri) => [
  before(`resources/subscribe ${uri}`, (it) => it.client.subscribeResource({ uri })),
  before(`resources/unsubscribe ${uri}`, (it) => it.client.unsubscribeResource({ uri })),
];
const atOnce = (count, name, args) =>
  step(`${count} times ${name} at once`, (it) =>
    Promise.all(Array.from({ length: count }, (_, at) => it.call(name, args(at)))),
  );

const NO_RULE = 'what was not accepted has no rule';
const unknownTool = call('no_such_tool', {}, NO_RULE);
const unknownPrompt = prompt('no_such_prompt', {}, NO_RULE);

/** Before the script of each server. */
const ABOUT = [
  step('server', (it) => it.client.getServerVersion()),
  step('capabilities', (it) => it.client.getServerCapabilities()),
  step('instructions', (it) => it.client.getInstructions() ?? null),
  step('tools/list', (it) => it.client.listTools()),
  step('tools/list, again', (it) => it.client.listTools()),
];
const RESOURCES = [
  step('resources/list', (it) => it.client.listResources()),
  step('resources/templates/list', (it) => it.client.listResourceTemplates()),
];
const PROMPTS = [step('prompts/list', (it) => it.client.listPrompts())];

const TOWN = { type: 'ref/prompt', name: 'completable-prompt' };
const everything = () => [
  ...RESOURCES,
  ...PROMPTS,
  level('info'),
  ...['', 'a', 'héllo \u2028 \u0000', '"\\', '🦀'.repeat(1000)].map((message) => call('echo', { message })),
  call('echo'),
  call('echo', { message: 1 }),
  call('echo', { message: 'more', other: { deep: [1, null] } }),
  ...[[1, 2], [1.5, 2], [-1, 1e21], [0, -0]].map(([a, b]) => call('get-sum', { a, b })),
  call('get-sum', { a: 'x' }),
  unknownTool,
  ...['Chicago', 'New York', 'Paris'].map((location) => call('get-structured-content', { location })),
  call('get-tiny-image'),
  ...['error', 'success', 'debug'].map((messageType) =>
    call('get-annotated-message', { messageType, includeImage: messageType === 'error' }),
  ),
  ...[1, 3, 99].map((count) => call('get-resource-links', { count })),
  ...['Text', 'Blob'].map((resourceType) => call('get-resource-reference', { resourceType, resourceId: 2 })),
  call('get-resource-reference', { resourceType: 'Text', resourceId: -1 }),
  call('gzip-file-as-resource', { name: 'a.gz', data: 'data:text/plain,abc', outputType: 'resource' }),
  stepwise('trigger-long-running-operation', { duration: 1, steps: 5 }),
  call('trigger-sampling-request', { prompt: 'p', maxTokens: 9 }),
  call('trigger-elicitation-request'),
  call('trigger-url-elicitation', { url: 'https://example.com/', elicitationId: 'e-1' }),
  call('get-roots-list'),
  prompt('simple-prompt'),
  prompt('args-prompt', { city: 'Ulm' }),
  prompt('args-prompt', { city: 'Ulm', state: 'BW' }),
  prompt('args-prompt', {}),
  prompt('completable-prompt', { department: 'Sales', name: 'David' }),
  prompt('resource-prompt', { resourceType: 'Text', resourceId: '1' }),
  unknownPrompt,
  ...['', 'E', 'x'].map((value) => complete(TOWN, 'department', value)),
  complete(TOWN, 'name', '', { department: 'Sales' }),
  complete({ type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' }, 'resourceId', '1'),
  ...['text/1', 'text/7', 'blob/1', 'text/x'].map((path) => read(`demo://resource/dynamic/${path}`)),
  read('demo://resource/static/document/features.md'),
  ...subscribe('demo://resource/dynamic/text/1'),
  before('task', (it) => it.task('simulate-research-query', { topic: 't', ambiguous: true })),
  read('other://nothing', NO_RULE),
  atOnce(20, 'get-sum', (at) => ({ a: at, b: at })),
];

const files = ({ srv }) => {
  const path = (name) => `${srv}/files/${name}`;
  return [
    call('list_allowed_directories'),
    ...['', 'sub', 'none'].map((name) => call('list_directory', { path: path(name) })),
    call('list_directory', { path: '/etc' }),
    call('list_directory_with_sizes', { path: path('') }),
    call('directory_tree', { path: path('') }),
    ...['notes.txt', 'sub/data.json', 'none.txt', '../repo/README', 'out'].map((name) =>
      call('read_text_file', { path: path(name) }),
    ),
    call('read_text_file', { path: path('notes.txt'), head: 1 }),
    call('read_text_file', { path: path('notes.txt'), tail: 1 }),
    call('read_text_file', { path: path('notes.txt'), head: 1, tail: 1 }),
    call('read_text_file', {}),
    call('read_text_file', { path: 7 }),
    call('read_media_file', { path: path('dot.png') }),
    call('read_multiple_files', { paths: [path('notes.txt'), path('none.txt')] }),
    call('search_files', { path: path(''), pattern: '**/*.json' }),
    call('get_file_info', { path: path('notes.txt') }),
    call('create_directory', { path: path('new/deep') }),
    call('write_file', { path: path('new/a.txt'), content: 'one\ntwo\n' }),
    call('edit_file', { path: path('new/a.txt'), edits: [{ oldText: 'two', newText: '2 €' }] }),
    call('edit_file', { path: path('new/a.txt'), edits: [{ oldText: 'none', newText: '' }] }),
    call('edit_file', { path: path('new/a.txt'), edits: [{ oldText: 'one', newText: '1' }], dryRun: true }),
    call('read_text_file', { path: path('new/a.txt') }),
    call('move_file', { source: path('new/a.txt'), destination: path('new/b.txt') }),
    call('move_file', { source: path('new/a.txt'), destination: path('new/c.txt') }),
    call('write_file', { path: path('../other.txt'), content: 'no' }),
    call('list_directory', { path: path('new') }),
    unknownTool,
  ];
};

const memory = () => {
  const entity = (name) => ({ name, entityType: 'person', observations: [`${name} is here`] });
  return [
    call('read_graph'),
    call('create_entities', { entities: [entity('Ada'), entity('Bob')] }),
    call('create_entities', { entities: [entity('Ada')] }),
    call('create_entities', { entities: 'Ada' }),
    call('create_relations', { relations: [{ from: 'Ada', to: 'Bob', relationType: 'knows' }] }),
    call('add_observations', { observations: [{ entityName: 'Ada', contents: ['writes', 'reads'] }] }),
    call('add_observations', { observations: [{ entityName: 'Eve', contents: ['x'] }] }),
    ...['Ada', 'write', 'none'].map((query) => call('search_nodes', { query })),
    call('open_nodes', { names: ['Bob', 'Eve'] }),
    call('delete_observations', { deletions: [{ entityName: 'Ada', observations: ['reads'] }] }),
    call('read_graph'),
    call('delete_relations', { relations: [{ from: 'Ada', to: 'Bob', relationType: 'knows' }] }),
    call('delete_entities', { entityNames: ['Bob'] }),
    call('read_graph'),
    unknownTool,
  ];
};

const thinking = () => {
  const thought = (number, more = {}) =>
    call('sequentialthinking', {
      thought: `thought ${number}`, thoughtNumber: number, totalThoughts: 3, nextThoughtNeeded: number < 3, ...more,
    });
  return [
    thought(1),
    thought(2),
    thought(3),
    thought(4, { needsMoreThoughts: true }),
    thought(2, { isRevision: true, revisesThought: 1 }),
    thought(3, { branchFromThought: 2, branchId: 'b' }),
    thought(0),
    call('sequentialthinking', { thought: 1 }),
    unknownTool,
  ];
};

const browser = ({ web }) => [
  call('browser_snapshot'),
  call('browser_navigate', { url: `${web}/` }),
  call('browser_snapshot'),
  call('browser_evaluate', { function: '() => document.title' }),
  call('browser_evaluate', { function: '() => { throw new Error("it broke") }' }),
  call('browser_click', { element: 'the link', target: 'a' }),
  call('browser_navigate_back'),
  call('browser_navigate', { url: 'file:///etc/passwd' }),
  call('browser_navigate', {}),
  call('browser_resize', { width: 400, height: 300 }),
  call('browser_press_key', { key: 'Tab' }),
  call('browser_wait_for', { text: 'Hello' }),
  call('browser_console_messages', { level: 'info' }),
  call('browser_tabs', { action: 'list' }),
  call('browser_close'),
  unknownTool,
];

const time = () => [
  ...['Europe/Berlin', 'UTC', 'Nowhere/None', ''].map((timezone) => call('get_current_time', { timezone })),
  call('get_current_time'),
  ...['UTC', 'Asia/Kathmandu', 'America/New_York', 'Asia/Tokyo', 'x'].map((target_timezone) =>
    call('convert_time', { source_timezone: 'Europe/Berlin', time: '16:30', target_timezone }),
  ),
  ...['24:00', 'now', ''].map((time) =>
    call('convert_time', { source_timezone: 'UTC', time, target_timezone: 'UTC' }),
  ),
  unknownTool,
];

const git = ({ srv }) => {
  const at = (name, args = {}) => call(`git_${name}`, { repo_path: `${srv}/repo`, ...args });
  return [
    at('status'),
    at('log'),
    at('log', { max_count: 1 }),
    at('log', { max_count: 'many' }),
    at('diff_unstaged'),
    at('diff_unstaged', { context_lines: 0 }),
    at('add', { files: ['README'] }),
    at('add', { files: ['none'] }),
    at('diff_staged'),
    at('reset'),
    at('add', { files: ['README'] }),
    at('commit', { message: 'Second' }),
    at('show', { revision: 'HEAD~1' }),
    at('show', { revision: 'none' }),
    at('create_branch', { branch_name: 'side' }),
    at('create_branch', { branch_name: 'side' }),
    at('checkout', { branch_name: 'side' }),
    at('branch', { branch_type: 'local' }),
    at('branch', { branch_type: 'other' }),
    at('diff', { target: 'main' }),
    at('diff', { target: '--output=/tmp/x' }),
    call('git_status', { repo_path: '/' }),
    call('git_status'),
    unknownTool,
  ];
};

const fetching = ({ web }) => [
  ...PROMPTS,
  ...['/', '/data.json', '/long', '/none', '/private'].map((path) => call('fetch', { url: web + path })),
  call('fetch', { url: `${web}/`, raw: true }),
  call('fetch', { url: `${web}/long`, max_length: 10, start_index: 5, raw: true }),
  call('fetch', { url: `${web}/long`, start_index: 1_000_000 }),
  call('fetch', { url: 'http://127.0.0.1:9/' }),
  call('fetch', { url: 'no url' }),
  call('fetch'),
  prompt('fetch', { url: `${web}/` }),
  prompt('fetch', { url: `${web}/private` }),
  prompt('fetch', {}),
  unknownPrompt,
  unknownTool,
];

const database = () => [
  ...RESOURCES,
  ...PROMPTS,
  call('list_tables'),
  call('create_table', { query: 'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)' }),
  call('create_table', { query: 'DROP TABLE t' }),
  ...['a', "b''", 'ü'].map((name) => call('write_query', { query: `INSERT INTO t (name) VALUES ('${name}')` })),
  call('write_query', { query: 'SELECT 1' }),
  call('read_query', { query: 'SELECT * FROM t' }),
  call('read_query', { query: 'SELECT * FROM none' }),
  call('read_query', { query: 'DELETE FROM t' }),
  call('read_query'),
  call('describe_table', { table_name: 't' }),
  call('append_insight', { insight: 'Names are short' }),
  read('memo://insights'),
  read('memo://none', NO_RULE),
  prompt('mcp-demo', { topic: 'boats' }),
  prompt('mcp-demo', {}),
  unknownPrompt,
  unknownTool,
];

/** Of fastmcp_behind.py. */
const features = () => [
  ...RESOURCES,
  ...PROMPTS,
  ...[{ text: 'a' }, { text: 'ü', times: 3, loud: true }, { text: 1 }, {}].map((args) => call('repeat', args)),
  call('structured', { name: 'Ada' }),
  call('picture'),
  call('fall'),
  stepwise('climb', { steps: 5 }),
  call('ask_person'),
  call('ask_model'),
  call('ask_roots'),
  call('forget', { text: 'it' }),
  read('memo://one'),
  read('memo://fixed'),
  read('other://none', NO_RULE),
  prompt('trip', { city: 'Ulm' }),
  prompt('trip', {}),
  unknownPrompt,
  unknownTool,
  atOnce(20, 'repeat', (at) => ({ text: `${at}` })),
];

/** Of the program in the recipe. */
const notes = () => [
  call('set_note', { name: 'shopping', text: 'milk' }),
  call('get_note', { name: 'shopping' }),
  call('get_note', { name: 'none' }),
  call('set_note', { name: 'shopping' }),
  unknownTool,
];

const SCRIPTS = {
  everything, files, memory, thinking, browser, time, git, fetch: fetching, database, notes,
  stateful: features, stateless: features,
};

/** The steps for the server that the recipes call `name`, in `place`: `{ srv, web }`. */
export const script = (name, place) => [...ABOUT, ...SCRIPTS[name](place)];

/** The servers that have a script. */
export const SERVERS = Object.keys(SCRIPTS);

// What is different each time, by its nature, and nothing else: times, and ids that are drawn or made from times.
const DIFFERENT = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?/g, 'DATE'],
  [/(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} \d\d \d{4} [\d:]{8} GMT[^"\\]*/g, 'DATE'], // `get_file_info`
  [/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z/g, 'DATE'], // names of Playwright's files
  [/\b\d{1,2}:\d\d:\d\d( [AP]M)?/g, 'TIME'],
  [/\[ *\d+ms\]/g, '[TIME]'], // Playwright's console
  [/\b[0-9a-f]{40}\b/g, 'COMMIT'],
  [/index [0-9a-f]{7,}\.\.[0-9a-f]{7,}/g, 'index'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'ID'],
  [/session undefined/g, 'session ID'], // server-everything, which names the session of its transport
  [/[0-9a-f]{32}/g, 'ID'],
];

/** A result without that. Bytes are shown, as they may be text with a time. */
export function steady(value) {
  const shown = (name, of) => (name === 'blob' && typeof of === 'string' ? Buffer.from(of, 'base64').toString('latin1') : of);
  let text = JSON.stringify(value ?? null, shown);
  for (const [pattern, instead] of DIFFERENT) text = text.replace(pattern, instead);
  return JSON.parse(text);
}
