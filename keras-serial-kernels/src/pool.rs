//! A fork-join thread pool whose workers spin briefly for the next job and then park.
//!
//! A job is a number of tasks. The calling thread takes tasks from the front, workers take them from
//! the back. A job ends when no task is left and no worker is inside; a worker that has not come to it
//! yet is not waited for, so a busy processor costs no more than the help that is missing. A pool runs
//! one job at a time: who finds it busy (also a task that starts a job of its own) runs its tasks itself.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long workers of a new pool spin before they park.
pub const DEFAULT_SPIN: Duration = Duration::from_micros(200);

/// The state's bit that says that workers may enter the job.
const OPEN: u64 = 1 << 31;

/// The state's bits that count the workers inside the job.
const INSIDE: u64 = OPEN - 1;

/// One job more, in the state's upper half.
const NEXT_JOB: u64 = 1 << 32;

type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// Threads that share out tasks.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    busy: AtomicBool,
}

/// What the caller and the workers see.
struct Shared {
    /// The number of the job, whether it is open, and how many workers are inside.
    state: AtomicU64,
    /// The tasks that nobody has taken: the first one, and (in the upper half) the one past the last.
    tasks: AtomicU64,
    /// The function of the job. Written before the job opens, read by workers inside only.
    function: UnsafeCell<Option<*const Task<'static>>>,
    /// What the first task that panicked said.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    spin_nanos: AtomicU64,
    stop: AtomicBool,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
}

// SAFETY: `function` is written by the one thread that holds `Pool::busy`, while no worker is inside
// and none can enter; the function itself is `Sync`.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer is used by workers that are inside a job, which outlives them there.
unsafe impl Send for Shared {}

impl Pool {
    /// A pool of so many threads, the calling one among them; at least one.
    ///
    /// Where the system gives no more threads, the pool has fewer.
    pub fn new(threads: usize) -> Self {
        Self::with_spin(threads, DEFAULT_SPIN)
    }

    /// A pool of so many threads whose workers spin for the given time before they park.
    pub fn with_spin(threads: usize, spin: Duration) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            tasks: AtomicU64::new(0),
            function: UnsafeCell::new(None),
            panic: Mutex::new(None),
            spin_nanos: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        });
        let workers = (1..threads)
            .map_while(|number| {
                let shared = Arc::clone(&shared);
                let builder = thread::Builder::new().name(format!("kernels-{number}"));
                let builder = match crate::STACK {
                    Some(stack) => builder.stack_size(stack),
                    None => builder,
                };
                builder.spawn(move || shared.work()).ok()
            })
            .collect();
        let pool = Self { shared, workers, busy: AtomicBool::new(false) };
        pool.set_spin(spin);
        pool
    }

    /// The pool of the process, made at first use with a thread for each processor.
    pub fn global() -> &'static Self {
        GLOBAL.get_or_init(|| Self::new(thread::available_parallelism().map_or(1, usize::from)))
    }

    /// A pool that has the calling thread only.
    pub fn single() -> &'static Self {
        static SINGLE: OnceLock<Pool> = OnceLock::new();
        SINGLE.get_or_init(|| Self::new(1))
    }

    /// Makes a pool the process's; gives it back where the process has one already.
    pub fn set_global(pool: Self) -> Result<(), Self> {
        GLOBAL.set(pool)
    }

    /// The number of threads, the calling one among them.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Sets how long a worker spins for the next job before it parks.
    pub fn set_spin(&self, spin: Duration) {
        let nanos = u64::try_from(spin.as_nanos()).unwrap_or(u64::MAX);
        self.shared.spin_nanos.store(nanos, Ordering::Relaxed);
    }

    /// Runs `function` once for each task, on this thread and those of the pool, and returns when all
    /// are done. A panic of a task goes on in the caller; tasks that nobody has begun then never run.
    pub fn run(&self, tasks: usize, function: &(dyn Fn(usize) + Sync)) {
        let Ok(count) = u32::try_from(tasks) else {
            return (0..tasks).for_each(function);
        };
        if count <= 1 || self.workers.is_empty() || self.busy.swap(true, Ordering::Acquire) {
            return (0..tasks).for_each(function);
        }
        let shared = &*self.shared;
        // SAFETY: the pointer loses its lifetime. Workers read it inside the job only, and this function
        // does not return before the last one has left.
        let erased = unsafe { std::mem::transmute::<*const Task<'_>, *const Task<'static>>(function) };
        // SAFETY: `busy` makes this the only writer, and the job before has ended: nobody reads.
        unsafe { *shared.function.get() = Some(erased) };
        shared.tasks.store(u64::from(count) << 32, Ordering::Relaxed);
        let before = shared.state.load(Ordering::Relaxed);
        shared.state.store((before & !(OPEN | INSIDE)).wrapping_add(NEXT_JOB) | OPEN, Ordering::SeqCst);
        if shared.sleepers.load(Ordering::SeqCst) > 0 {
            // The lock, so that no worker is between its last look at the state and its sleep.
            drop(shared.lock.lock().unwrap_or_else(PoisonError::into_inner));
            shared.wake.notify_all();
        }
        shared.guard(|| {
            while let Some(task) = shared.take_first() {
                function(task);
            }
        });
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut waits = 0u32;
        while shared.state.load(Ordering::Acquire) & INSIDE != 0 {
            waits += 1;
            if waits < 10_000 { std::hint::spin_loop() } else { thread::yield_now() }
        }
        let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.busy.store(false, Ordering::Release);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

static GLOBAL: OnceLock<Pool> = OnceLock::new();

impl Shared {
    /// Takes the first task that is left.
    fn take_first(&self) -> Option<usize> {
        let take = |tasks: u64| (tasks as u32 != (tasks >> 32) as u32).then(|| tasks + 1);
        self.tasks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok().map(|tasks| tasks as u32 as usize)
    }

    /// Takes the last task that is left.
    fn take_last(&self) -> Option<usize> {
        let take = |tasks: u64| (tasks as u32 != (tasks >> 32) as u32).then(|| tasks - (1 << 32));
        let taken = self.tasks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.ok().map(|tasks| (tasks >> 32) as usize - 1)
    }

    /// Runs tasks, keeps the first panic, and then drops the tasks that are left.
    fn guard(&self, tasks: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(tasks)) {
            self.tasks.store(0, Ordering::Relaxed);
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }

    /// A worker's life.
    fn work(&self) {
        let mut last = 0;
        while let Some(state) = self.next_job(last) {
            last = state >> 32;
            if self.enter(state) {
                // SAFETY: the job was written before it opened, and does not end while a worker is inside.
                let function = unsafe { (*self.function.get()).map(|function| &*function) };
                self.guard(|| {
                    while let (Some(function), Some(task)) = (function, self.take_last()) {
                        function(task);
                    }
                });
                self.state.fetch_sub(1, Ordering::Release);
            }
        }
    }

    /// Counts this worker in, unless the job has closed.
    fn enter(&self, mut state: u64) -> bool {
        let job = state >> 32;
        while state & OPEN != 0 && state >> 32 == job {
            match self.state.compare_exchange_weak(state, state + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Waits for an open job after the `last` one; `None` when the pool ends.
    fn next_job(&self, last: u64) -> Option<u64> {
        let is_next = |state: u64| state & OPEN != 0 && state >> 32 != last;
        let spin = Duration::from_nanos(self.spin_nanos.load(Ordering::Relaxed));
        let start = Instant::now();
        loop {
            for _ in 0..64 {
                let state = self.state.load(Ordering::Acquire);
                if is_next(state) {
                    return Some(state);
                }
                std::hint::spin_loop();
            }
            if self.stop.load(Ordering::Acquire) {
                return None;
            }
            if start.elapsed() >= spin {
                break;
            }
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let found = loop {
            let state = self.state.load(Ordering::SeqCst);
            if is_next(state) {
                break Some(state);
            }
            if self.stop.load(Ordering::Acquire) {
                break None;
            }
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        found
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        drop(self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A task may hold the last reference to its own pool: a thread can't wait for itself.
            if worker.thread().id() != thread::current().id() {
                let _ = worker.join();
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pool: &Pool, tasks: usize) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        pool.run(tasks, &|task| {
            counts[task].fetch_add(1, Ordering::Relaxed);
        });
        counts.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn every_task_runs_once() {
        for threads in [0, 1, 2, 5] {
            for spin in [0, 1, 100] {
                let pool = Pool::with_spin(threads, Duration::from_micros(spin));
                assert_eq!(pool.threads(), threads.max(1));
                for tasks in (0..60).chain([1000]) {
                    assert_eq!(counts(&pool, tasks), vec![1; tasks], "{threads} {spin} {tasks}");
                }
            }
        }
    }

    #[test]
    fn workers_help_and_wake_from_their_sleep() {
        let pool = Pool::with_spin(2, Duration::ZERO);
        for _ in 0..3 {
            let here = thread::current().id();
            let helped = AtomicBool::new(false);
            // The caller's task lasts until a worker has run the other one.
            pool.run(2, &|_| {
                if thread::current().id() != here {
                    helped.store(true, Ordering::Release);
                }
                let start = Instant::now();
                while !helped.load(Ordering::Acquire) && start.elapsed() < Duration::from_secs(20) {
                    thread::yield_now();
                }
            });
            assert!(helped.into_inner());
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn many_jobs_from_many_callers() {
        let pool = Pool::new(3);
        let jobs = if cfg!(miri) { 20 } else { 2000 };
        thread::scope(|scope| {
            for caller in 0..4 {
                let pool = &pool;
                scope.spawn(move || {
                    for job in 0..jobs {
                        let tasks = (job + caller) % 7;
                        assert_eq!(counts(pool, tasks), vec![1; tasks]);
                    }
                });
            }
        });
    }

    #[test]
    fn a_task_may_start_a_job() {
        let pool = Pool::new(3);
        let sum = AtomicUsize::new(0);
        pool.run(8, &|_| {
            pool.run(8, &|task| {
                sum.fetch_add(task, Ordering::Relaxed);
            });
        });
        assert_eq!(sum.into_inner(), 8 * 28);
    }

    #[test]
    fn a_panic_goes_to_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(3);
        for bad in 0..20 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                pool.run(20, &|task| assert_ne!(task, bad, "task {task} failed"));
            }));
            let panic = result.unwrap_err();
            assert!(panic.downcast_ref::<String>().unwrap().contains(&format!("task {bad} failed")));
            assert_eq!(counts(&pool, 20), vec![1; 20]);
        }
    }

    #[test]
    fn the_process_has_one_pool() {
        assert!(std::ptr::eq(Pool::global(), Pool::global()));
        assert!(Pool::set_global(Pool::new(1)).is_err());
        assert_eq!(format!("{:?}", Pool::new(2)), "Pool { threads: 2, .. }");
    }
}
