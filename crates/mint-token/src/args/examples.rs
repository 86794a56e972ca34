//! What stands below the flags in `--help`.

pub(super) const MINT: &str = "\
Configuration (a flag beats the environment, which beats .env, which beats the default):
  JWT_SECRET    the secret that signs (HS256), at least 32 bytes; `just token` makes one
  JWT_KEY_FILE  instead of the secret: a private key as PEM or JWK, mode 0600
  JWT_ISSUER    who issues the token [default: http://localhost:8000]
  MCP_RESOURCE  for which server it is meant [default: http://localhost:8000/mcp]
  POLICY_FILE   who may do what [default: what `server` has built in]
  A secret is never taken from the command line, and never printed.

Examples:
  mint-token                                   an hour for user-userson
  mint-token --save                            the same, kept in .env for the client
  mint-token --sub alice --scope User.Read     for alice, who may only read
  mint-token --for-tool get_time               with the scopes that the tool needs
  mint-token --sub bob --for-role admin        with the scopes that the role may hold
  mint-token --like old.jwt --ttl 15m          what another token says, with fresh times
  mint-token --scope \"\"                        who somebody is, and no scope
  mint-token --claim tenant=acme --claim level:=3
  mint-token --not-before 10m --header typ=JWT
  mint-token --count 1000 > tokens.txt         a thousand, each with a jti of its own
  mint-token --key key.pem --alg ES256         signed with a private key
  TOKEN=$(mint-token)                          the token alone goes to standard output
  mint-token --output json | jq -r .expires

Exit codes:
  0  done
  1  something unexpected, for example a file that cannot be written
  2  the command line or the configuration is at fault; standard error says what to do
  3  verify, explain: the token is not valid, or revoked
  4  explain: the token is valid, and may not do this
  5  a server or an issuer could not be asked";

pub(super) const KEYGEN: &str = "\
Examples:
  mint-token keygen                              an Ed25519 key in key.pem
  mint-token keygen --alg ES256 --out es.pem
  mint-token keygen --alg HS256 --out secret.json
  mint-token keygen --alg RS256 --kid 2027-a --out rsa.json
  mint-token keygen --encrypt                    asks for a passphrase
  mint-token keygen --encrypt --passphrase-file pass.txt

The key is written with mode 0600 and never shown. JWT_KEY_FILE or --key names it afterwards.";

pub(super) const JWKS: &str = "\
Examples:
  mint-token jwks keys                           the public halves, to standard output
  mint-token jwks keys --out jwks.json           whole or not at all, so that readers see no half

Secrets (HS256) have no public half: they are left out, and named on standard error.";

pub(super) const ROTATE: &str = "\
Examples:
  mint-token rotate keys --dry-run               what would happen, and when
  mint-token rotate keys                         do it; the first time it makes the first key
  mint-token rotate keys --alg ES256 --cache 10m --max-ttl 1h
  mint-token --key keys                          signs with whichever key is active now
  JWT_KEY_FILE=keys/jwks.json server             knows them all, and reads the file when it changes

A new key is published at once, and signs only when every cache has seen it. The old one signs until
then, and stays published until its last token has expired. Run it again to take out what is over.";

pub(super) const INSPECT: &str = "\
Examples:
  mint-token | mint-token inspect                read from standard input
  mint-token inspect token.txt                   from a file
  mint-token inspect - --output json < token.txt

Nothing is verified: anybody can write anything into a token. `verify` judges it.
A token on the command line would stay in the shell's history, and is refused.";

pub(super) const VERIFY: &str = "\
Examples:
  mint-token | mint-token verify                 with the configured key
  mint-token verify token.txt --keys jwks.json   with a key set in a file
  mint-token verify - --jwks-url https://login.example/keys --iss https://login.example < token.txt
  mint-token verify token.txt --discover https://login.example --aud https://mcp.example/mcp

Exit codes: 0 valid; 2 usage; 3 not valid; 5 the keys could not be fetched.";

pub(super) const EXPLAIN: &str = "\
Examples:
  mint-token | mint-token explain - --tool get_time
  mint-token explain token.txt --tool get_time --policy policy.toml --user-role user
  mint-token explain token.txt --tool get_time --server http://localhost:8000/mcp
  mint-token explain token.txt --resource server://info --output json

Offline there is no directory: say with --user-role which roles the user has. A running server looks
the user up; asking it needs the scope Admin.Read, in the token that MCP_TOKEN has.

Exit codes: 0 permitted; 2 usage; 3 the token is not valid; 4 it may not; 5 the server could not be asked.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  mint-token completions bash > ~/.local/share/bash-completion/completions/mint-token
  mint-token completions zsh > ~/.zfunc/_mint-token
  mint-token completions fish > ~/.config/fish/completions/mint-token.fish";

pub(super) const MAN: &str = "\
Examples:
  mint-token man man1                            mint-token.1, mint-token-verify.1, ...
  man -l man1/mint-token-explain.1";
