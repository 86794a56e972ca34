//! Questions to an issuer: each is asked once for all who wait for its answer, when it has its
//! turn.
//!
//! 1. A question that no request waits for any more is dropped, unless it is being asked already.
//! 2. At most [`MAX_UNKNOWN`] questions about unknown tokens wait; more are refused at
//!    once.
//! 3. A question that has had no turn after [`PATIENCE`] is refused.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::turns::Turns;

/// How many questions about unknown tokens wait or are under way.
const MAX_UNKNOWN: usize = 1024;
/// How long a question waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Questions<K: Copy + Eq + Hash, T> {
    state: Mutex<State<K, T>>,
    turns: Turns,
}

struct State<K, T> {
    open: HashMap<K, Open<T>>,
    /// How many of these are about unknown tokens.
    unknown: usize,
}

/// A question that waits or is under way. Who asks it holds the answer's sender, alone: when that
/// breaks off, the waiting requests are notified.
struct Open<T> {
    answer: Weak<Answer<T>>,
    is_known: bool,
}

type Answer<T> = watch::Sender<Option<Result<T, Unasked>>>;

/// Why a question was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unasked {
    /// Too many others wait.
    TooMany,
    /// It had no turn in time.
    TooLate,
    /// The asking task ended early.
    BrokenOff,
}

/// What was said, and whether it was a no.
pub(super) struct Said<T> {
    pub(super) answer: T,
    pub(super) is_no: bool,
}

impl<K, T> Questions<K, T>
where
    K: Copy + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        let state = State { open: HashMap::new(), unknown: 0 };
        Self { state: Mutex::new(state), turns: Turns::new() }
    }

    /// The answer to `question` about `key`: what `remembered` knows, or what is said to a question
    /// that is under way, or to this one. Whatever is said must be remembered when the question
    /// ends.
    pub(super) async fn ask<F>(
        self: &Arc<Self>,
        key: K,
        is_known: bool,
        remembered: impl FnOnce() -> Option<T>,
        question: impl FnOnce() -> F,
    ) -> Result<T, Unasked>
    where
        F: Future<Output = Said<T>> + Send + 'static,
    {
        let (mut waiting, asking) = {
            let mut state = self.state();
            if let Some(answer) = remembered() {
                return Ok(answer);
            }
            let open = state.open.get(&key).and_then(|open| open.answer.upgrade());
            if let Some(answer) = open {
                (answer.subscribe(), None)
            } else if !is_known && state.unknown >= MAX_UNKNOWN {
                return Err(Unasked::TooMany);
            } else {
                let (answer, waiting) = watch::channel(None);
                let answer = Arc::new(answer);
                state.begin(key, Open { answer: Arc::downgrade(&answer), is_known });
                let asking = Asking { questions: Arc::clone(self), key, answer };
                (waiting, Some(asking))
            }
        };
        // Not under the lock: a runtime that ends drops at once what is spawned, and that locks
        // too.
        if let Some(asking) = asking {
            tokio::spawn(asking.run(is_known, question()));
        }
        match waiting.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or(Err(Unasked::BrokenOff)),
            Err(_) => Err(Unasked::BrokenOff),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash, T> State<K, T> {
    fn begin(&mut self, key: K, open: Open<T>) {
        self.unknown += usize::from(!open.is_known);
        if let Some(broken_off) = self.open.insert(key, open) {
            self.unknown -= usize::from(!broken_off.is_known);
        }
    }

    /// Forgets the question about `key`, if it is the one that `answer` is for.
    fn end(&mut self, key: &K, answer: &Arc<Answer<T>>) {
        let is_it = |open: &Open<T>| std::ptr::eq(open.answer.as_ptr(), Arc::as_ptr(answer));
        if self.open.get(key).is_some_and(is_it)
            && let Some(open) = self.open.remove(key)
        {
            self.unknown -= usize::from(!open.is_known);
        }
    }
}

/// A question while it waits and is under way; it is forgotten when this is dropped.
struct Asking<K: Copy + Eq + Hash, T> {
    questions: Arc<Questions<K, T>>,
    key: K,
    answer: Arc<Answer<T>>,
}

impl<K, T> Asking<K, T>
where
    K: Copy + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    async fn run(self, is_known: bool, question: impl Future<Output = Said<T>> + Send) {
        let turns = &self.questions.turns;
        let mut turn = pin!(turns.take(is_known));
        let mut late = pin!(sleep_until(Instant::now() + PATIENCE));
        let turn = loop {
            tokio::select! {
                biased;
                () = self.answer.closed() => {
                    if self.is_abandoned() {
                        return;
                    }
                }
                turn = &mut turn => break turn,
                () = &mut late => break None,
            }
        };
        let Some(turn) = turn else {
            self.end(Err(Unasked::TooLate));
            return;
        };
        let Said { answer, is_no } = question.await;
        if is_no && !is_known {
            turns.was_no();
        }
        drop(turn);
        self.end(Ok(answer));
    }

    /// Whether no request waits, and none can come any more: the question is forgotten then.
    fn is_abandoned(&self) -> bool {
        let mut state = self.questions.state();
        let is_abandoned = self.answer.receiver_count() == 0;
        if is_abandoned {
            state.end(&self.key, &self.answer);
        }
        is_abandoned
    }

    fn end(&self, answer: Result<T, Unasked>) {
        // A later request finds the answer cached.
        self.questions.state().end(&self.key, &self.answer);
        self.answer.send_replace(Some(answer));
    }
}

impl<K: Copy + Eq + Hash, T> Drop for Asking<K, T> {
    fn drop(&mut self) {
        let state = &self.questions.state;
        state.lock().unwrap_or_else(PoisonError::into_inner).end(&self.key, &self.answer);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{
        task::JoinHandle,
        time::{sleep, timeout},
    };

    use super::*;

    const ANSWER: Duration = Duration::from_millis(150);

    /// An issuer that takes its time, and says no to odd keys.
    #[derive(Clone)]
    struct Issuer {
        questions: Arc<Questions<u32, bool>>,
        asked: Arc<AtomicUsize>,
        takes: Duration,
    }

    impl Issuer {
        fn that_takes(takes: Duration) -> Self {
            let questions = Arc::new(Questions::new());
            Self { questions, asked: Arc::default(), takes }
        }

        /// Asks and waits for the answer; and how long that took.
        async fn ask(self, key: u32, is_known: bool) -> (Result<bool, Unasked>, Duration) {
            let (begun, takes, asked) = (Instant::now(), self.takes, Arc::clone(&self.asked));
            let question = || async move {
                asked.fetch_add(1, Ordering::SeqCst);
                sleep(takes).await;
                let is_no = !key.is_multiple_of(2);
                Said { answer: !is_no, is_no }
            };
            let said = self.questions.ask(key, is_known, || None, question).await;
            (said, begun.elapsed())
        }

        fn spawn(&self, key: u32, is_known: bool) -> JoinHandle<(Result<bool, Unasked>, Duration)> {
            tokio::spawn(self.clone().ask(key, is_known))
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        fn is_idle(&self) -> bool {
            let state = self.questions.state();
            state.open.is_empty() && state.unknown == 0
        }
    }

    #[tokio::test(start_paused = true)]
    async fn garbage_whose_sender_hangs_up_keeps_no_new_caller_waiting() {
        let issuer = Issuer::that_takes(ANSWER);
        let flood = {
            let issuer = issuer.clone();
            tokio::spawn(async move {
                // 1,200 a second, each of which hangs up.
                for number in 0..12_000 {
                    let garbage = issuer.clone().ask(2 * number + 1, false);
                    tokio::spawn(timeout(Duration::from_millis(3), garbage));
                    sleep(Duration::from_micros(833)).await;
                }
            })
        };
        sleep(Duration::from_secs(2)).await;
        let mut callers = Vec::new();
        for number in 0..100 {
            callers.push(issuer.spawn(2 * number, false));
            sleep(Duration::from_millis(50)).await;
        }
        for caller in callers {
            let (said, waited) = caller.await.unwrap();
            assert_eq!(said, Ok(true));
            assert!(waited < Duration::from_secs(1), "{waited:?}");
        }
        flood.await.unwrap();
        // An issuer is asked no more often than its answers allow, and than the pace does.
        assert!(issuer.asked() < 3000, "{}", issuer.asked());
        sleep(Duration::from_secs(10)).await;
        assert!(issuer.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_good_before_goes_first() {
        let issuer = Issuer::that_takes(ANSWER);
        let garbage: Vec<_> = (0..1000).map(|number| issuer.spawn(2 * number + 1, false)).collect();
        sleep(Duration::from_millis(400)).await;
        let known: Vec<_> = (0..8).map(|number| issuer.spawn(2 * number, true)).collect();
        for caller in known {
            let (said, waited) = caller.await.unwrap();
            assert_eq!(said, Ok(true));
            assert!(waited <= ANSWER, "{waited:?}");
        }
        let mut late = 0;
        for caller in garbage {
            late += usize::from(caller.await.unwrap().0 == Err(Unasked::TooLate));
        }
        assert!((1..1000).contains(&late), "{late}");
        assert!(issuer.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_tokens_have_a_pace_and_good_ones_do_not_pay_for_it() {
        let issuer = Issuer::that_takes(Duration::from_millis(1));
        let ask = async |keys: std::ops::Range<u32>, is_odd: u32| {
            let begun = Instant::now();
            for key in keys {
                issuer.clone().ask(2 * key + is_odd, false).await.0.unwrap();
            }
            begun.elapsed()
        };
        assert!(ask(0..2000, 0).await < Duration::from_secs(3), "yeses");
        let noes = ask(0..2000, 1).await;
        // The first 500 at once, the others at 200 a second.
        assert!((6500..8500).contains(&noes.as_millis()), "{noes:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_later_waits_for_the_same_answer_also_when_the_first_has_left() {
        let issuer = Issuer::that_takes(ANSWER);
        // All turns of unknown tokens are taken.
        let others: Vec<_> = (100..124).map(|number| issuer.spawn(2 * number, false)).collect();
        tokio::task::yield_now().await;
        let first = issuer.spawn(2, false);
        sleep(Duration::from_millis(10)).await;
        let second = issuer.spawn(2, false);
        sleep(Duration::from_millis(10)).await;
        first.abort();
        assert_eq!(second.await.unwrap().0, Ok(true));
        assert_eq!(issuer.asked(), 25);
        // One that no request waits for is not asked.
        for other in others {
            other.await.unwrap().0.unwrap();
        }
        let others: Vec<_> = (100..124).map(|number| issuer.spawn(2 * number, false)).collect();
        tokio::task::yield_now().await;
        let left = issuer.spawn(4, false);
        sleep(Duration::from_millis(10)).await;
        left.abort();
        for other in others {
            other.await.unwrap().0.unwrap();
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(issuer.asked(), 25 + 24);
        assert!(issuer.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn questions_are_bounded_and_one_that_breaks_off_is_over() {
        let issuer = Issuer::that_takes(ANSWER);
        let many = u32::try_from(MAX_UNKNOWN).unwrap();
        let waiting: Vec<_> = (0..many).map(|number| issuer.spawn(2 * number, false)).collect();
        sleep(Duration::from_millis(1)).await;
        let key = 2 * many;
        assert_eq!(issuer.clone().ask(key, false).await.0, Err(Unasked::TooMany));
        assert_eq!(issuer.clone().ask(key, true).await.0, Ok(true));
        for caller in waiting {
            let _ = caller.await.unwrap();
        }
        let broken = || async { panic!("broken off") };
        let said = issuer.questions.ask(1, false, || None, broken).await;
        assert_eq!(said, Err(Unasked::BrokenOff));
        assert_eq!(issuer.clone().ask(1, false).await.0, Ok(false));
        assert!(issuer.is_idle());
    }
}
