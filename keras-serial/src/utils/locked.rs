//! Locks of data that stay usable after a panic.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A mutex whose data are whole at any time, so that they stay usable if a thread panics while it holds the lock.
pub(crate) trait Locked<T: ?Sized> {
    /// Locks the mutex, whether or not a thread panicked with it.
    fn locked(&self) -> MutexGuard<'_, T>;
}

impl<T: ?Sized> Locked<T> for Mutex<T> {
    fn locked(&self) -> MutexGuard<'_, T> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock for many readers or one writer whose data are whole at any time, as [`Locked`]'s are.
pub(crate) trait RwLocked<T: ?Sized> {
    /// Locks for reading, whether or not a thread panicked with the lock.
    fn read_locked(&self) -> RwLockReadGuard<'_, T>;

    /// Locks for writing, whether or not a thread panicked with the lock.
    fn write_locked(&self) -> RwLockWriteGuard<'_, T>;
}

impl<T: ?Sized> RwLocked<T> for RwLock<T> {
    fn read_locked(&self) -> RwLockReadGuard<'_, T> {
        self.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_locked(&self) -> RwLockWriteGuard<'_, T> {
        self.write().unwrap_or_else(PoisonError::into_inner)
    }
}
