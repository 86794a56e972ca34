//! What an operator has on beside the flood: an audit log with a key, the admin listener with its
//! metrics, rates, and a policy that changes every second.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use auth_core::Algorithm;
use testkit::TestKey;

/// What is on. Rates that no caller reaches are counted like others.
const SETTINGS: &str = "[audit]\nfile = \"audit.jsonl\"\nkey_file = \"audit.pem\"\n\
                        [policy]\nfile = \"policy.toml\"\n";
const RATES: &str = "\n[limits]\ncaller = \"1000000/s\"\nclient = \"1000000/s\"\n";
/// What the policy gains and loses every second.
const RULE: &str = "\nunused = { all = [\"Admin.Write\"], rate = \"5/min\" }";

/// An operator of the server in a folder.
pub(crate) struct Operator {
    program: PathBuf,
    folder: PathBuf,
    policies: [String; 2],
    changes: usize,
}

impl Operator {
    /// Writes the settings into `folder`, where `program init` has been run.
    pub(crate) fn new(program: &Path, folder: &Path) -> Self {
        let show = Command::new(program).args(["policy", "show"]).current_dir(folder).output();
        let shown = String::from_utf8(show.unwrap().stdout).unwrap();
        assert!(shown.contains("\n[tools]"), "{shown}");
        let policy = format!("{shown}{RATES}");
        let other = policy.replace("\n[tools]", &format!("\n[tools]{RULE}"));
        let key = TestKey::generate(Algorithm::Es256).private_pem().unwrap();
        let mut file = fs::OpenOptions::new();
        let file = file.write(true).create_new(true).mode(0o600);
        file.open(folder.join("audit.pem")).unwrap().write_all(key.as_bytes()).unwrap();
        let socket = folder.join("admin.sock");
        let admin = format!("[admin]\nbind = \"unix:{}\"\n", socket.display());
        fs::write(folder.join("bartizan.toml"), format!("{SETTINGS}{admin}")).unwrap();
        let operator = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            policies: [policy, other],
            changes: 0,
        };
        fs::write(folder.join("policy.toml"), &operator.policies[0]).unwrap();
        operator
    }

    /// Puts the other policy in its place.
    pub(crate) fn change_the_policy(&mut self) {
        self.changes += 1;
        let [one, other] = &self.policies;
        let policy = if self.changes.is_multiple_of(2) { one } else { other };
        fs::write(self.folder.join("new"), policy).unwrap();
        fs::rename(self.folder.join("new"), self.folder.join("policy.toml")).unwrap();
    }

    /// What does not hold while the server still runs, which has answered `valid` calls.
    pub(crate) fn faults(&self, valid: usize) -> Vec<String> {
        let mut faults = Vec::new();
        let ready = self.ask("/readyz");
        if !ready.contains("\"ready\":true") || !ready.contains("\"failing\":[]") {
            faults.push(format!("the server is not well: {ready}"));
        }
        let metrics = self.ask("/metrics");
        let counted: usize = metrics
            .lines()
            .filter(|line| line.starts_with("bartizan_decisions_total"))
            .filter(|line| line.contains("outcome=\"permitted\""))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
            .sum();
        println!("{valid} valid calls were answered, {counted} requests counted as permitted");
        if counted < valid {
            faults.push(format!("{valid} calls were answered, and {counted} counted"));
        }
        if self.changes == 0 {
            faults.push("the policy never changed".into());
        }
        faults
    }

    /// What does not hold of the log that the server has left, with a record of each of `valid`
    /// calls.
    pub(crate) fn faults_of_the_log(&self, valid: usize) -> Vec<String> {
        let verify = Command::new(&self.program)
            .args(["audit", "verify"])
            .current_dir(&self.folder)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verify.stdout).into_owned()
            + &String::from_utf8_lossy(&verify.stderr);
        print!("{said}");
        let mut faults = Vec::new();
        if !verify.status.success() {
            faults.push("the audit log is not as it was written".to_owned());
        }
        let files = fs::read_dir(&self.folder).unwrap().filter_map(Result::ok);
        let logs = files.filter(|file| file.file_name().to_string_lossy().ends_with(".jsonl"));
        let texts = logs.filter_map(|file| fs::read_to_string(file.path()).ok());
        let recorded: usize =
            texts.map(|text| text.matches("\"outcome\":\"permitted\"").count()).sum();
        println!(
            "{recorded} records of permitted requests, {} changes of the policy",
            self.changes
        );
        if recorded < valid {
            faults.push(format!("{valid} calls were answered, and {recorded} recorded"));
        }
        faults
    }

    fn ask(&self, path: &str) -> String {
        let mut socket = UnixStream::connect(self.folder.join("admin.sock")).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }
}
