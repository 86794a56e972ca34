//! Room that is taken and given back, and bounds of what has none.

use std::{sync::Arc, time::Duration};

use auth_core::audit::{Entry, Timestamp};
use bartizan::NoRoomError;

use super::{change, time};
use crate::queue::{Cause, MOST, Queue, Work};

#[tokio::test(start_paused = true)]
async fn room_is_bounded_and_waited_for() {
    let queue = Queue::with_capacity(2);
    let one = queue.reserve().await.unwrap();
    queue.push(time(1), change(1));
    drop(one);
    let two = queue.reserve().await.unwrap();
    // One is waiting to be written, and one decision is being made.
    assert_eq!(queue.reserve().await.map(drop), Err(NoRoomError));
    // Room that is given back is taken by the request that waits for it.
    let (waiting, ()) = tokio::join!(queue.reserve(), async {
        tokio::task::yield_now().await;
        drop(two);
    });
    let two = waiting.unwrap();
    // The same for room that a write gives back.
    let Work::Write(records) = queue.next(Duration::ZERO, || time(9)) else {
        panic!("there is something to write")
    };
    assert_eq!(records, [(time(1), change(1))]);
    assert_eq!(queue.reserve().await.map(drop), Err(NoRoomError), "not yet written");
    let (waiting, ()) = tokio::join!(queue.reserve(), async {
        tokio::task::yield_now().await;
        queue.written();
    });
    drop((waiting.unwrap(), two));
    assert!(matches!(queue.next(Duration::ZERO, || time(9)), Work::Idle));
}

#[test]
fn refusals_beyond_a_number_in_a_second_are_counted() {
    for (cause, pushed, budget) in [(Cause::Stranger, 3000, 100), (Cause::Caller, 15_000, 1000)] {
        let queue = Queue::new();
        for number in 0..pushed {
            queue.push_if(cause, time(1), || Some(change(number)));
        }
        queue.skip();
        let (mut count, mut recorded) = (0, 0);
        while count + recorded < pushed + 1 {
            match queue.next(Duration::from_millis(50), || time(9)) {
                Work::Write(records) => {
                    let (records, more) = counted(records);
                    (recorded, count) = (recorded + records, count + more);
                    queue.written();
                }
                Work::Idle => {}
                Work::Close => panic!("the log is open"),
            }
        }
        assert_eq!(count + recorded, pushed + 1);
        // A busy machine may begin another second in between.
        assert!((budget..=10 * budget).contains(&recorded), "{cause:?}: {recorded}");
    }
}

/// How many records there are, and how many requests are counted.
fn counted(records: impl IntoIterator<Item = (Timestamp, Entry)>) -> (u64, u64) {
    let (mut recorded, mut count) = (0, 0);
    for (_, entry) in records {
        match entry {
            Entry::Skipped { count: more } => count += more,
            _ => recorded += 1,
        }
    }
    (recorded, count)
}

#[test]
fn those_of_the_last_second_are_counted_at_a_stop() {
    let queue = Queue::new();
    for number in 0..2000 {
        queue.push_if(Cause::Stranger, time(1), || Some(change(number)));
    }
    queue.close();
    let Work::Write(records) = queue.next(Duration::ZERO, || time(9)) else {
        panic!("there is something to write")
    };
    let (recorded, count) = counted(records);
    assert_eq!(recorded + count, 2000);
    assert!(count > 0);
    assert!(matches!(queue.next(Duration::ZERO, || time(9)), Work::Close));
}

#[test]
fn records_without_room_have_a_bound_too() {
    let queue = Queue::new();
    for number in 0..MOST as u64 + 5 {
        queue.push_if(Cause::Server, time(1), || Some(change(number)));
    }
    assert_eq!(queue.unwritten(), MOST);
    let Work::Write(records) = queue.next(Duration::ZERO, || time(9)) else {
        panic!("there is something to write")
    };
    assert_eq!(counted(records), (MOST as u64, 5));
    // Nor while these are being written.
    queue.push_if(Cause::Server, time(1), || Some(change(1)));
    let Work::Write(records) = queue.next(Duration::ZERO, || time(9)) else {
        panic!("one is counted")
    };
    assert_eq!(counted(records), (0, 1));
}

#[tokio::test]
async fn a_log_is_closed_once_no_decision_is_being_made() {
    let queue = Queue::new();
    let room = queue.reserve().await.unwrap();
    queue.close();
    assert!(matches!(queue.next(Duration::ZERO, || time(9)), Work::Idle));
    let waiting = std::thread::spawn({
        let queue = Arc::clone(&queue);
        move || {
            // Without a notification it would wait for as long as this.
            let first = queue.next(Duration::from_hours(1), || time(9));
            queue.written();
            (first, queue.next(Duration::from_hours(1), || time(9)))
        }
    });
    queue.push(time(1), change(1));
    std::thread::sleep(Duration::from_millis(20));
    drop(room);
    let (first, second) = waiting.join().unwrap();
    assert!(matches!(first, Work::Write(records) if records == [(time(1), change(1))]));
    assert!(matches!(second, Work::Close));
}
