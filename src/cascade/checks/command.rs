//! A check that is a program: JSON on its standard input, its verdict the exit code.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, sink};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::Said;
use crate::decisions::CheckVerdict;

/// Variables that every program sees, where they are set; all others stay here, keys above all.
const HARMLESS: [&str; 9] = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT"];

/// Bytes of the program's output that are read for a score; the rest is thrown away.
const OUTPUT: u64 = 64 << 10;

/// How long the output may take to end once the program has.
const GRACE: Duration = Duration::from_millis(100);

/// Runs a program: exit code 0 is a pass, 1 a failure, 2 an abstention. The last line that it prints is its score where
/// that is a number in [0, 1].
///
/// The program and all that it starts are killed when this ends or is dropped.
///
/// # Errors
/// When it cannot be started, is killed by a signal or exits with another code.
pub(super) async fn run(command: &[String], env: &[String], input: Bytes) -> Result<Said, String> {
    let (status, output) = ask(command, env, input, OUTPUT).await?;
    Ok(Said { verdict: verdict(status)?, score: score(&output) })
}

/// Runs a program; gives how it ended and the first `most` bytes of what it printed.
///
/// The program and all that it starts are killed when this ends or is dropped.
///
/// # Errors
/// When it cannot be started.
pub(in crate::cascade) async fn ask(
    command: &[String],
    env: &[String],
    input: Bytes,
    most: u64,
) -> Result<(ExitStatus, Vec<u8>), String> {
    let mut child = start(command, env).map_err(|error| format!("cannot be started: {error}"))?;
    let group = Group::of(&child);
    let _input = child.stdin.take().map(|stdin| AbortOnDropHandle::new(tokio::spawn(feed(stdin, input))));
    let output = child.stdout.take().map(|stdout| AbortOnDropHandle::new(tokio::spawn(head(stdout, most))));
    let status = child.wait().await.map_err(|error| format!("cannot be waited for: {error}"))?;
    // What it left running must not hold the output open.
    drop(group);
    let output = match output {
        Some(output) => timeout(GRACE, output).await.ok().and_then(Result::ok).unwrap_or_default(),
        None => Vec::new(),
    };
    Ok((status, output))
}

fn start(command: &[String], env: &[String]) -> std::io::Result<Child> {
    let (program, arguments) = command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let seen = HARMLESS.into_iter().chain(env.iter().map(String::as_str));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(seen.filter_map(|name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// A program that does not read its input is none the worse.
async fn feed(mut stdin: ChildStdin, input: Bytes) {
    let _ = stdin.write_all(&input).await;
}

async fn head(mut stdout: ChildStdout, most: u64) -> Vec<u8> {
    let mut head = Vec::new();
    let _ = (&mut stdout).take(most).read_to_end(&mut head).await;
    let _ = tokio::io::copy(&mut stdout, &mut sink()).await;
    head
}

fn verdict(status: ExitStatus) -> Result<CheckVerdict, String> {
    match status.code() {
        Some(0) => Ok(CheckVerdict::Pass),
        Some(1) => Ok(CheckVerdict::Fail),
        Some(2) => Ok(CheckVerdict::Abstain),
        Some(code) => Err(format!("exited with {code}; 0 is pass, 1 fail, 2 abstain")),
        None => Err("was killed by a signal".to_owned()),
    }
}

fn score(output: &[u8]) -> Option<f64> {
    let text = String::from_utf8_lossy(output);
    let score: f64 = text.lines().rev().find(|line| !line.trim().is_empty())?.trim().parse().ok()?;
    (0.0..=1.0).contains(&score).then_some(score)
}

/// The program and what it started, killed together when this is dropped.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    #[cfg(not(unix))]
    fn of(_: &Child) -> Self {
        Self {}
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader {
            // A group whose members have all ended is no error.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    async fn shell(script: &str) -> Result<Said, String> {
        run(&["sh".to_owned(), "-c".to_owned(), script.to_owned()], &[], Bytes::from_static(b"{\"a\":1}")).await
    }

    fn said(verdict: CheckVerdict, score: Option<f64>) -> Result<Said, String> {
        Ok(Said { verdict, score })
    }

    #[tokio::test]
    async fn the_exit_code_is_the_verdict_and_the_last_line_the_score() {
        for (script, expected) in [
            ("exit 0", said(CheckVerdict::Pass, None)),
            ("exit 1", said(CheckVerdict::Fail, None)),
            ("exit 2", said(CheckVerdict::Abstain, None)),
            ("echo looking; echo 0.75; echo", said(CheckVerdict::Pass, Some(0.75))),
            ("echo 7", said(CheckVerdict::Pass, None)),
            ("echo NaN", said(CheckVerdict::Pass, None)),
            ("read -r line; test \"$line\" = '{\"a\":1}'", said(CheckVerdict::Pass, None)),
            ("exit 3", Err("exited with 3; 0 is pass, 1 fail, 2 abstain".to_owned())),
            ("kill -SEGV $$", Err("was killed by a signal".to_owned())),
        ] {
            assert_eq!(shell(script).await, expected, "{script}");
        }
        let missing = run(&["/nowhere/check".to_owned()], &[], Bytes::new()).await.unwrap_err();
        assert!(missing.starts_with("cannot be started"), "{missing}");
    }

    #[tokio::test]
    async fn megabytes_either_way_block_nothing() {
        let much = Bytes::from(vec![b'x'; 4 << 20]);
        let unread = run(&["true".to_owned()], &[], much.clone()).await;
        assert_eq!(unread, said(CheckVerdict::Pass, None));
        let talkative = "head -c 8000000 /dev/zero; cat > /dev/null; exit 1".to_owned();
        let talkative = run(&["sh".to_owned(), "-c".to_owned(), talkative], &[], much).await;
        assert_eq!(talkative, said(CheckVerdict::Fail, None));
    }

    #[tokio::test]
    async fn what_it_leaves_running_is_killed_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let start = Instant::now();
        let forks = format!("sleep 60 & echo $! > {}; echo 0.5", file.display());
        assert_eq!(shell(&forks).await, said(CheckVerdict::Pass, Some(0.5)));
        assert!(start.elapsed() < Duration::from_secs(10));
        gone(&file).await;
    }

    #[tokio::test]
    async fn a_check_that_is_given_up_takes_its_children_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let hangs = format!("sleep 60 & echo $! > {}; wait", file.display());
        assert!(timeout(Duration::from_secs(1), shell(&hangs)).await.is_err());
        gone(&file).await;
    }

    /// Waits until the process whose id is in the file has ended.
    async fn gone(file: &std::path::Path) {
        let id: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        for _ in 0..200 {
            let zombie = std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| stat.contains(") Z "));
            if zombie || rustix::process::test_kill_process(id).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} still runs");
    }

    #[tokio::test]
    async fn only_harmless_variables_and_named_ones_are_seen() {
        // Cargo sets both for every test.
        let script = "test -n \"$PATH\" && test -z \"$CARGO_MANIFEST_DIR\" && test -n \"$CARGO_PKG_NAME\"";
        let command = ["sh", "-c", script].map(str::to_owned);
        let seen = run(&command, &["CARGO_PKG_NAME".to_owned()], Bytes::new()).await;
        assert_eq!(seen, said(CheckVerdict::Pass, None));
    }
}
