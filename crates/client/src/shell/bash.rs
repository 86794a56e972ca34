//! Bash breaks words at colons (`COMP_WORDBREAKS`), and so every URL and URI: the script puts the
//! words together again for the program, and gives bash back what is behind the last colon.

/// What the generated script does with the words.
const BROKEN: &str = r#"    local words=("${COMP_WORDS[@]}")
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        words[COMP_CWORD]="$2"
    fi
"#;
const WHOLE: &str = r#"    local words=() last=-1 i word
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word="${COMP_WORDS[i]}"
        if ((i == COMP_CWORD)) && [[ "$word" != :* ]]; then
            word="$2"
        fi
        # Not `:=`, which is between an argument and its value.
        if ((last >= 0)) && [[ "$word" == :* && "$word" != :=* || "${words[last]}" == *: ]]; then
            words[last]+="$word"
        else
            last=$((last + 1))
            words[last]="$word"
        fi
    done
    _CLAP_COMPLETE_INDEX=$last
"#;
/// Where the answer of the program is in the script, and what is done with it first.
const ANSWERED: &str = "    if [[ $? != 0 ]]; then\n        unset COMPREPLY\n";
const RETURNED: &str = r#"    local status=$? begun="${words[last]}"
    if [[ "$COMP_WORDBREAKS" == *:* && "$begun" == *:* ]]; then
        begun="${begun%"${begun##*:}"}"
        COMPREPLY=("${COMPREPLY[@]#"$begun"}")
    fi
    if [[ $status != 0 ]]; then
        unset COMPREPLY
"#;

/// The generated script with whole words.
pub(super) fn with_colons(script: &str) -> String {
    script.replace(BROKEN, WHOLE).replace(ANSWERED, RETURNED)
}

#[cfg(test)]
mod tests {
    use clap_complete::env::{Bash, EnvCompleter};

    use super::*;

    #[test]
    fn the_generated_script_has_both_places() {
        let mut script = Vec::new();
        Bash.write_registration("COMPLETE", "client", "client", "client", &mut script).unwrap();
        let script = String::from_utf8(script).unwrap();
        let whole = with_colons(&script);
        assert!(whole.contains(WHOLE) && whole.contains(RETURNED), "{script}");
    }
}
