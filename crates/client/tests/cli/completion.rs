//! What a shell completes: names of servers, and what a server has listed.

use std::{fs, path::Path, process::Command};

use crate::{arguments::caching, rich::Rich, support::Client};

/// What may come at the word `index` of `client LINE`, as the script of bash asks.
async fn words(url: &str, folder: &Path, line: &str, index: &str) -> String {
    let mut args = vec!["--", "client"];
    args.extend(line.split(' '));
    let folder = folder.to_str().unwrap();
    let client = Client::new(&args)
        .with("XDG_CACHE_HOME", folder)
        .with("XDG_STATE_HOME", folder)
        .with("MCP_URL", url)
        .with("COMPLETE", "bash")
        .with("_CLAP_COMPLETE_INDEX", index)
        .with("_CLAP_COMPLETE_COMP_TYPE", "9")
        .with("_CLAP_IFS", "\n");
    client.run().await.expect(0).stdout.trim().replace(' ', "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_is_told_the_names_of_the_tools() {
    let cache = tempfile::tempdir().unwrap();
    let (url, log) = Rich::default().serve().await;
    caching(&url, cache.path(), &["tools"]).run().await.expect(0);
    let before = log.lines().len();
    let words = |line: &str, index: &str| {
        let (line, index) = (line.to_owned(), index.to_owned());
        let (url, folder) = (url.clone(), cache.path().to_owned());
        async move { words(&url, &folder, &line, &index).await }
    };
    assert_eq!(words("call a", "2").await, "add\nalbum");
    assert_eq!(words("call who", "2").await, "whoami");
    assert_eq!(words(&format!("--url {url} call gr"), "4").await, "greet");
    assert_eq!(words("--url http://localhost:1/mcp call a", "4").await, "");
    assert_eq!(words("--server=http://localhost:1/mcp call a", "3").await, "");
    let add = Client::new(&["servers", "add", "rich", &url]);
    add.with("XDG_STATE_HOME", cache.path().to_str().unwrap()).run().await.expect(0);
    for begin in ["--url rich", "--server rich"] {
        assert_eq!(words(&format!("{begin} call a"), "4").await, "add\nalbum", "{begin}");
    }
    assert_eq!(words("--server=rich call a", "3").await, "add\nalbum");
    assert_eq!(words("--url poor call a", "4").await, "");
    assert_eq!(words("--url ri", "2").await, "rich");
    assert_eq!(words("servers remove r", "3").await, "rich");
    assert_eq!(words("bridge r", "2").await, "rich");
    // A server's text is not read as flags.
    let file = fs::read_dir(cache.path().join("bartizan")).unwrap();
    let mut file = file.map(|file| file.unwrap().path());
    let file = file.find(|file| file.to_str().unwrap().contains("127.0.0.1")).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"album\"", "\"--yes\"")).unwrap();
    assert_eq!(words("call a", "2").await, "add");
    assert!(!words("call --y", "2").await.contains("Shows a picture"));
    fs::write(&file, text).unwrap();
    assert!(words("re", "1").await.contains("read"));
    assert_eq!(log.lines().len(), before, "no server is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_is_told_arguments_resources_and_prompts() {
    let folder = tempfile::tempdir().unwrap();
    let (url, log) = Rich::default().serve().await;
    for verb in ["tools", "resources", "prompts"] {
        caching(&url, folder.path(), &[verb]).run().await.expect(0);
    }
    let before = log.lines().len();
    let words = |line: &'static str| {
        let index = line.split(' ').count().to_string();
        let (url, folder) = (url.clone(), folder.path().to_owned());
        async move { words(&url, &folder, line, &index).await }
    };
    for (line, expected) in [
        // Those of the tool that is named, and not those that are given.
        ("call add n", "note="),
        ("call add a=1 n", "note="),
        ("--timeout 5s call --yes add a:=1 b", "b="),
        ("call add b=1 b", ""),
        // As bash breaks the words: a value is not a name.
        ("call add note = n", ""),
        ("call album n", ""),
        ("call nope n", ""),
        ("prompt t", "trip"),
        ("prompt trip c", "city="),
        ("complete prompt t", "trip"),
        ("complete prompt trip c", "city="),
        ("read m", "memo://note"),
        ("read memo://n", "memo://note"),
        ("listen --resource m", "memo://note"),
        ("explain --tool al", "album"),
    ] {
        assert_eq!(words(line).await, expected, "{line}");
    }
    let all = words("call add ").await;
    for key in ["a=", "b=", "note="] {
        assert!(all.lines().any(|line| line == key), "{key}: {all}");
    }
    assert_eq!(log.lines().len(), before, "no server is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_completes_uris_though_it_breaks_words_at_colons() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = Rich::default().serve().await;
    caching(&url, folder.path(), &["tools"]).run().await.expect(0);
    caching(&url, folder.path(), &["resources"]).run().await.expect(0);
    let script = Client::new(&["completions", "bash"]).run().await.expect(0).stdout;
    fs::write(folder.path().join("client.bash"), script).unwrap();
    // The word at the end is what bash hands on as the one to be completed.
    let completed = |words: &str, current: &str| {
        let ask = format!(
            "source client.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             COMP_TYPE=9; _clap_complete_client client '{current}' x; echo \"${{COMPREPLY[*]}}\""
        );
        let program = Path::new(env!("CARGO_BIN_EXE_client")).parent().unwrap();
        let mut bash = Command::new("bash");
        bash.args(["-c", &ask]).current_dir(folder.path()).env_clear().env("MCP_URL", &url);
        bash.env("PATH", format!("{}:/usr/bin:/bin", program.display()));
        bash.envs(["XDG_CACHE_HOME", "XDG_STATE_HOME"].map(|name| (name, folder.path())));
        let output = bash.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (said.trim().to_owned(), String::from_utf8(output.stderr).unwrap())
    };
    let separate = url.replace(':', " : ");
    let with_url = format!("client --url {separate} call a");
    for (words, current, expected) in [
        ("client read ''", "", "memo://note"),
        ("client read me", "me", "memo://note"),
        // Bash replaces what is behind the colon.
        ("client read memo :", "", "//note"),
        ("client read memo : //n", "//n", "//note"),
        ("client call add n", "n", "note="),
        ("client call add a := 1 n", "n", "note="),
        (with_url.as_str(), "a", "add album"),
    ] {
        let (said, err) = completed(words, current);
        // Options are offered, too, where nothing is typed yet.
        let values = said.split(['\u{b}', ' ']).filter(|word| !word.starts_with("--"));
        assert_eq!(values.collect::<Vec<_>>().join(" "), expected, "{words}: {err}");
    }
}
