//! What `--help` shows below the flags. [`terminal::help`] fills in the names of the programs and
//! aligns what follows the tabs.

pub(super) const MINT: &str = "\
Configuration (a flag beats the environment, which beats .env, which beats the default):
  JWT_SECRET\tthe secret that signs (HS256), at least 32 bytes
  JWT_KEY_FILE\tinstead of the secret: a private key as PEM or JWK, mode 0600
  JWT_ISSUER\tthe issuer of the token [default: http://localhost:8000]
  TOKEN_SUBJECT\tthe user whom it is for without --sub [default: alice]
  MCP_RESOURCE\tthe server that it is for [default: http://localhost:8000/mcp]
  POLICY_FILE\tthe policy [default: the one that the server has built in]
  A secret is never taken from the command line, and never printed. To make one, run:
  {make-env-file}

Examples:
  {mint-token}\tan hour for alice
  {mint-token} --save\tthe same, stored in .env for the client
  {mint-token} --sub bob --scope User.Read\tfor bob, who may only read
  {mint-token} --for-tool get_time\twith the scopes that the tool requires
  {mint-token} --for-tool files/read_file\tof the server in [upstreams.files]
  {mint-token} --sub bob --for-role admin\twith the scopes that the role may hold
  {mint-token} --like old.jwt --ttl 15m\ta copy of another token, with fresh times
  {mint-token} --scope \"\"\tan identity without any scope
  {mint-token} --claim tenant=acme --claim level:=3
  {mint-token} --not-before 10m --header typ=JWT
  {mint-token} --count 1000 > tokens.txt\ta thousand, each with its own jti
  {mint-token} --key key.pem --alg ES256\tsigned with a private key
  TOKEN=$({mint-token})\tstandard output has the token alone
  {mint-token} --output json | jq -r .expires

Exit codes:
  0  done
  1  something unexpected, for example a file that cannot be written
  2  the command line or the configuration is invalid
  3  verify, explain: the token is not valid, or revoked
  4  explain: the token is valid, and the call is not allowed
  5  a server or an issuer could not be reached";

pub(super) const KEYGEN: &str = "\
Examples:
  {mint-token} keygen\tan Ed25519 key in key.pem
  {mint-token} keygen --alg ES256 --out es.pem
  {mint-token} keygen --alg HS256 --out secret.json
  {mint-token} keygen --alg RS256 --kid 2027-a --out rsa.json

The key is written with mode 0600 and never shown. JWT_KEY_FILE or --key names it afterwards.
A copy that needs a passphrase: openssl pkcs8 -topk8 -in key.pem -out backup.pem";

pub(super) const JWKS: &str = "\
Examples:
  {mint-token} jwks keys\tthe public keys, to standard output
  {mint-token} jwks keys --out jwks.json\tinto a file, which is replaced as a whole

Secrets (HS256) have no public half: they are left out, and named on standard error.";

pub(super) const ROTATE: &str = "\
Examples:
  {mint-token} rotate keys --dry-run\tprints the plan
  {mint-token} rotate keys\tcarries it out; the first time it makes the first key
  {mint-token} rotate keys --alg ES256 --cache 10m --max-ttl 1h
  {mint-token} --key keys\tsigns with the key that is active now
  JWT_KEY_FILE=keys/jwks.json {server}\tknows them all, and reads the file when it changes

A new key is published at once, and signs only when every cache has seen it. The old one signs until
then, and stays published until its last token has expired. Run it again to remove expired keys.";

pub(super) const SERVE: &str = "\
Configuration, as the server has it:
  JWT_ISSUER\tthe URL at which browsers and clients reach it
  MCP_RESOURCE\tthe resource server that its tokens are for
  DATABASE_URL\tthe directory, which the resource server shares
  SIGNING_KEYS\tthe folder of its keys, made at the first start
  POLICY_FILE\tthe policy of the resource server

Examples:
  {mint-token} serve --bind 127.0.0.1:9000
  {mint-token} serve --policy policy.toml --env-file issuer.env
  SIGN_IN=off JWT_KEY_FILE=data/keys/jwks.json {server}\tthe resource server, without a signing key

It stops on Ctrl-C and SIGTERM, after requests under way. Its state is at /healthz and /readyz.";

pub(super) const INSPECT: &str = "\
Examples:
  {mint-token} | {mint-token} inspect\tread from standard input
  {mint-token} inspect token.txt\tfrom a file
  {mint-token} inspect - --output json < token.txt

Nothing is verified: a token can contain anything. To check it, use verify.
A token on the command line would stay in the shell's history, and is refused.";

pub(super) const VERIFY: &str = "\
Examples:
  {mint-token} | {mint-token} verify\twith the configured key
  {mint-token} verify token.txt --keys jwks.json\twith a key set in a file
  {mint-token} verify token.txt --jwks-url https://login.example/keys --issuer https://login.example
  {mint-token} verify token.txt --discover https://login.example --resource https://mcp.example/mcp

Exit codes: 0 valid; 2 usage; 3 not valid; 5 the keys could not be fetched.";

pub(super) const EXPLAIN: &str = "\
Examples:
  {mint-token} | {mint-token} explain - --tool get_time
  {mint-token} explain token.txt --tool get_time --policy policy.toml --user-role user
  {mint-token} explain token.txt --tool get_time --url http://localhost:8000/mcp
  {mint-token} explain token.txt --read server://info --output json

Offline there is no directory: --user-role says which roles the user has. A running server looks
the user up; asking it needs the scope Admin.Read, in the token that MCP_TOKEN has.

Exit codes: 0 permitted; 2 usage; 3 the token is not valid; 4 not allowed; 5 the server could not be
reached.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  {mint-token} completions bash > ~/.local/share/bash-completion/completions/{file}
  {mint-token} completions zsh > ~/.zfunc/_{file}
  {mint-token} completions fish > ~/.config/fish/completions/{file}.fish";

pub(super) const MAN: &str = "\
Examples:
  {mint-token} man | man -l -
  {mint-token} man man1\t{file}.1, {file}-verify.1, ...
  man -l man1/{file}-explain.1";
