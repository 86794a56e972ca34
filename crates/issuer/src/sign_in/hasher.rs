//! The threads that compute Argon2id: few, and behind everything else.
//!
//! 1. There is one thread for four processors, at most four. A thread begins with the first
//!    password and ends, with its 19 MiB, when it has had nothing to do for ten seconds.
//! 2. On Linux the threads give way: they have the lowest priority, so that calls do not wait for
//!    sign-ins.
//! 3. At most [`MAX_WAITING`] wait in each of two queues; more are refused at once. Browsers where
//!    the user has signed in before have a queue of their own, which goes first.
//! 4. What no one waits for any more is not computed.

use std::{
    collections::VecDeque,
    fmt,
    num::NonZeroUsize,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use super::argon::Memory;

/// How many may wait in each queue.
const MAX_WAITING: usize = 16;

/// How long a thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// Too many wait already, or no thread can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub(super) struct BusyError;

/// Which queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Of browsers that are known to the user, and of users who are signed in.
    Known,
    /// Of all others.
    Other,
}

/// The threads and their queues.
#[derive(Clone, Default)]
pub(super) struct Hasher(Arc<Shared>);

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    wake: Condvar,
    runs: AtomicU64,
}

#[derive(Default)]
struct Queues {
    known: VecDeque<Job>,
    others: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("runs", &self.runs()).finish_non_exhaustive()
    }
}

impl Hasher {
    /// Does `work` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, BusyError> {
        let (sender, receiver) = oneshot::channel();
        let shared = Arc::downgrade(&self.0);
        self.add(
            lane,
            Box::new(move |memory| {
                if sender.is_closed() {
                    return;
                }
                if let Some(shared) = shared.upgrade() {
                    shared.runs.fetch_add(1, Ordering::Relaxed);
                }
                let _ = sender.send(work(memory));
            }),
        )?;
        receiver.await.map_err(|_| BusyError)
    }

    /// How many were computed.
    pub(super) fn runs(&self) -> u64 {
        self.0.runs.load(Ordering::Relaxed)
    }

    fn add(&self, lane: Lane, job: Job) -> Result<(), BusyError> {
        let mut queues = self.0.lock();
        let needs_thread = queues.idle <= queues.waiting() && queues.threads < max_threads();
        if needs_thread {
            let shared = Arc::clone(&self.0);
            let made = thread::Builder::new().name("passwords".into()).spawn(move || shared.work());
            match made {
                Ok(_) => queues.threads += 1,
                Err(_) if queues.threads == 0 => return Err(BusyError),
                Err(_) => {}
            }
        }
        let queue = match lane {
            Lane::Known => &mut queues.known,
            Lane::Other => &mut queues.others,
        };
        if queue.len() >= MAX_WAITING {
            return Err(BusyError);
        }
        queue.push_back(job);
        drop(queues);
        self.0.wake.notify_one();
        Ok(())
    }
}

impl Queues {
    fn waiting(&self) -> usize {
        self.known.len() + self.others.len()
    }

    fn next(&mut self) -> Option<Job> {
        self.known.pop_front().or_else(|| self.others.pop_front())
    }
}

impl Shared {
    /// Nothing is left half done under the lock.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        give_way();
        let mut memory = Memory::default();
        loop {
            let mut queues = self.lock();
            let job = loop {
                if let Some(job) = queues.next() {
                    break job;
                }
                queues.idle += 1;
                let (again, waited) =
                    self.wake.wait_timeout(queues, IDLE).unwrap_or_else(PoisonError::into_inner);
                queues = again;
                queues.idle = queues.idle.saturating_sub(1);
                if waited.timed_out() && queues.waiting() == 0 {
                    // Under the lock: what is added from now on makes a thread.
                    queues.threads = queues.threads.saturating_sub(1);
                    return;
                }
            };
            drop(queues);
            // A panic is the job's alone: its caller finds that no answer comes.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
        }
    }
}

/// One for four processors.
fn max_threads() -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    (processors / 4).clamp(1, 4)
}

/// The priority of a thread is its own on Linux; elsewhere it would be the whole process's.
fn give_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(19);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_is_done_and_counted() {
        let hasher = Hasher::default();
        assert_eq!(hasher.run(Lane::Other, |_| 7).await, Ok(7));
        assert_eq!(hasher.run(Lane::Known, |_| 8).await, Ok(8));
        assert_eq!(hasher.runs(), 2);
    }

    #[tokio::test]
    async fn queues_have_an_end_and_known_browsers_go_first() {
        let hasher = Hasher::default();
        let (open, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        // Every thread waits at the gate.
        let mut first = Vec::new();
        for _ in 0..max_threads() {
            let (hasher, gate) = (hasher.clone(), Arc::clone(&gate));
            first.push(tokio::spawn(async move {
                hasher.run(Lane::Other, move |_| gate.lock().unwrap().recv().unwrap()).await
            }));
        }
        while hasher.runs() < max_threads() as u64 {
            tokio::task::yield_now().await;
        }
        let (done, order) = mpsc::channel();
        let mut waiting = Vec::new();
        for lane in [Lane::Other, Lane::Known] {
            for _ in 0..MAX_WAITING {
                let (hasher, done) = (hasher.clone(), done.clone());
                let work = move |_: &mut Memory| done.send(lane).unwrap();
                waiting.push(tokio::spawn(async move { hasher.run(lane, work).await }));
                tokio::task::yield_now().await;
            }
            assert_eq!(hasher.run(lane, |_| ()).await, Err(BusyError));
        }
        for _ in 0..max_threads() {
            open.send(()).unwrap();
        }
        for task in first.into_iter().chain(waiting) {
            task.await.unwrap().unwrap();
        }
        if max_threads() == 1 {
            let order: Vec<_> = order.try_iter().collect();
            assert_eq!(order[..MAX_WAITING], [Lane::Known; MAX_WAITING]);
            assert_eq!(order[MAX_WAITING..], [Lane::Other; MAX_WAITING]);
        }
    }

    #[tokio::test]
    async fn what_no_one_waits_for_is_not_computed() {
        let hasher = Hasher::default();
        let (open, gate) = mpsc::channel::<()>();
        let held = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.run(Lane::Known, move |_| gate.recv().unwrap()).await }
        });
        while hasher.runs() < 1 {
            tokio::task::yield_now().await;
        }
        if max_threads() == 1 {
            let gone = tokio::spawn({
                let hasher = hasher.clone();
                async move { hasher.run(Lane::Known, |_| ()).await }
            });
            tokio::task::yield_now().await;
            gone.abort();
            let _ = gone.await;
            open.send(()).unwrap();
            held.await.unwrap().unwrap();
            hasher.run(Lane::Known, |_| ()).await.unwrap();
            assert_eq!(hasher.runs(), 2);
        } else {
            open.send(()).unwrap();
            held.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_panic_is_one_jobs_alone() {
        let hasher = Hasher::default();
        for _ in 0..8 {
            assert_eq!(
                hasher.run(Lane::Other, |_| panic!("a fault")).await,
                Err::<(), _>(BusyError)
            );
        }
        assert_eq!(hasher.run(Lane::Other, |_| 7).await, Ok(7));
    }
}
