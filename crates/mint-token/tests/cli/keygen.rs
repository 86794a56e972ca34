//! Keys that are made, and what other programs and we ourselves make of them.

use std::process::Command;

use crate::support::Folder;

fn openssl(folder: &Folder, args: &[&str]) -> String {
    let output = Command::new("openssl").args(args).current_dir(folder.path("")).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_key_of_every_algorithm_signs_what_its_public_set_verifies() {
    for (alg, file) in [
        ("EdDSA", "a.pem"),
        ("ES256", "a.pem"),
        ("RS256", "a.pem"),
        ("ES256", "a.json"),
        ("RS256", "a.json"),
    ] {
        let folder = Folder::ready();
        std::fs::create_dir(folder.path("keys")).unwrap();
        let out = format!("keys/{file}");
        let format = if file.ends_with("pem") { "pem" } else { "jwk" };
        let made = folder.run(&["keygen", "--alg", alg, "--out", &out, "--format", format]);
        assert_eq!(made.code, 0, "{made:?}");
        assert_eq!(folder.mode(&out), 0o600);
        let set = folder.run(&["jwks", "keys", "--out", "jwks.json"]);
        assert_eq!(set.code, 0, "{set:?}");
        assert!(!folder.read("jwks.json").contains("\"d\""));
        let token = folder.run(&["--key", &out, "--alg", alg]).line().to_owned();
        folder.write("token.txt", &token);
        let verified = folder.run(&["verify", "token.txt", "--keys", "jwks.json"]);
        assert_eq!(verified.code, 0, "{verified:?}");
        let with_another = folder.run(&["verify", "token.txt"]);
        assert_eq!(with_another.code, 3, "{with_another:?}");
    }
}

#[test]
fn openssl_reads_our_keys_and_we_read_its() {
    let folder = Folder::ready();
    for (alg, name, options) in [
        ("EdDSA", "ED25519", &[][..]),
        ("ES256", "EC", &["-pkeyopt", "ec_paramgen_curve:P-256"]),
        ("RS256", "RSA", &["-pkeyopt", "rsa_keygen_bits:2048"]),
    ] {
        let (ours, theirs) = (format!("ours-{alg}.pem"), format!("theirs-{alg}.pem"));
        assert_eq!(folder.run(&["keygen", "--alg", alg, "--out", &ours]).code, 0);
        let make = [&["genpkey", "-algorithm", name, "-out", &theirs], options].concat();
        openssl(&folder, &make);
        folder.chmod(&theirs, 0o600);
        for key in [&ours, &theirs] {
            let public = openssl(&folder, &["pkey", "-in", key, "-pubout"]);
            folder.write("public.pem", &public);
            folder.write("token.txt", folder.run(&["--key", key]).line());
            let verified = folder.run(&["verify", "token.txt", "--keys", "public.pem"]);
            assert_eq!(verified.code, 0, "{verified:?}");
        }
    }
}

#[test]
fn an_encrypted_key_is_refused_with_a_command_that_decrypts_it() {
    let folder = Folder::ready();
    std::fs::create_dir(folder.path("keys")).unwrap();
    let encrypt = ["genpkey", "-algorithm", "ED25519", "-aes-256-cbc", "-pass", "pass:open sesame"];
    openssl(&folder, &[&encrypt[..], &["-out", "keys/sealed.pem"]].concat());
    folder.chmod("keys/sealed.pem", 0o600);
    for args in [&["--key", "keys/sealed.pem"][..], &["jwks", "keys"]] {
        let refused = folder.run(args);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
        let command = refused.err.split('`').nth(1).unwrap();
        assert!(command.contains("openssl pkcs8 -in keys/sealed.pem"), "{refused:?}");
        let with_passphrase = command.replace(" -out", " -passin 'pass:open sesame' -out");
        let status =
            Command::new("sh").args(["-c", &with_passphrase]).current_dir(folder.path("")).status();
        assert!(status.unwrap().success(), "{with_passphrase}");
        assert_eq!(folder.mode("key.pem"), 0o600);
        assert_eq!(folder.run(&["--key", "key.pem"]).code, 0);
    }
}

#[test]
fn a_token_on_the_command_line_is_refused() {
    let folder = Folder::ready();
    let token = folder.run(&[]).line().to_owned();
    for verb in [&["inspect"][..], &["verify"], &["explain", "--tool", "t"], &["--like"]] {
        let run = folder.run(&[verb, &[token.as_str()]].concat());
        assert_eq!(run.code, 2, "{verb:?}");
        assert!(run.err.contains("this looks like a token"), "{run:?}");
        assert!(!run.err.contains(&token), "{run:?}");
    }
}

#[test]
fn many_tokens_have_many_names() {
    let run = Folder::ready().run(&["--count", "100"]);
    let lines: std::collections::BTreeSet<_> = run.out.lines().collect();
    assert_eq!((run.code, lines.len()), (0, 100));
    let saved = Folder::ready().run(&["--count", "2", "--save"]);
    assert_eq!(saved.code, 2, "{saved:?}");
}

#[test]
fn a_folder_of_keys_signs_with_the_active_one_and_bounds_the_lifetime() {
    let folder = Folder::ready();
    assert_eq!(folder.run(&["rotate", "keys", "--max-ttl", "1h"]).code, 0);
    let token = folder.run(&["--key", "keys"]).line().to_owned();
    folder.write("token.txt", &token);
    assert_eq!(folder.run(&["verify", "token.txt", "--keys", "keys/jwks.json"]).code, 0);
    let long = folder.run(&["--key", "keys", "--ttl", "2h"]);
    assert_eq!(long.code, 2);
    assert!(long.err.contains("at most: choose a shorter --ttl"), "{long:?}");
    // The next key waits; the first still signs.
    assert_eq!(folder.run(&["rotate", "keys", "--max-ttl", "1h"]).code, 0);
    let again = folder.run(&["--key", "keys"]);
    let kid = |line: &str| line.split('.').next().unwrap().to_owned();
    assert_eq!(kid(again.line()), kid(&token));
}
