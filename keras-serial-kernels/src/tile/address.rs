//! Addresses of the pixels of a group, in the few registers that the tile leaves for them.

/// One, three and five times the distance of two pixels, in bytes.
///
/// With the processor's scaled addresses these reach all seven pixels of a group. They are opaque to the
/// compiler, which would otherwise compute each address from the one before.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    one: usize,
    three: usize,
    five: usize,
}

impl Steps {
    #[inline(always)]
    pub fn new(pixel_step: usize) -> Self {
        let one = pixel_step * size_of::<f32>();
        Self { one: opaque(one), three: opaque(3 * one), five: opaque(5 * one) }
    }

    /// The pixel `q` of a group.
    #[inline(always)]
    pub fn pixel(self, first: *const f32, q: usize) -> *const f32 {
        first.wrapping_byte_add(match q {
            0 => 0,
            1 => self.one,
            2 => 2 * self.one,
            3 => self.three,
            4 => 4 * self.one,
            5 => self.five,
            _ => 2 * self.three,
        })
    }
}

/// The same number, of which the compiler knows nothing.
#[inline(always)]
fn opaque(value: usize) -> usize {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let mut value = value;
        // SAFETY: no instruction at all.
        unsafe { std::arch::asm!("/* {0} */", inout(reg) value, options(pure, nomem, nostack, preserves_flags)) };
        value
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    value
}

/// The same address, of which the compiler knows nothing.
#[inline(always)]
pub(super) fn opaque_pointer(pointer: *const f32) -> *const f32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let mut pointer = pointer;
        // SAFETY: no instruction at all.
        #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read through the pointer")]
        unsafe {
            std::arch::asm!("/* {0} */", inout(reg) pointer, options(pure, nomem, nostack, preserves_flags))
        };
        pointer
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    pointer
}
