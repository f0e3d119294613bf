//! The same job many times on a few threads, with the results in order.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `job` for every index below `count` on at most `workers` threads and gives the results in the order of the
/// indices. One job runs in the caller's thread. A panic in a job goes on in the caller.
pub fn map<T: Send>(count: usize, workers: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if count <= 1 || workers <= 1 {
        return (0..count).map(job).collect();
    }
    let next = AtomicUsize::new(0);
    let worker = || {
        let mine = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < count));
        mine.map(|at| (at, job(at))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count.min(workers)).map(|_| scope.spawn(worker)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// How many threads are worth it for work that keeps a core busy.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_done_once_and_the_results_are_in_order() {
        for (count, workers) in [(0, 4), (1, 4), (5, 0), (5, 1), (100, 8)] {
            let done = map(count, workers, |at| at * 2);
            assert_eq!(done, (0..count).map(|at| at * 2).collect::<Vec<_>>(), "{count} by {workers}");
        }
    }
}
