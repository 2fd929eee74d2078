//! What only a guest can do that goes round the SDK. The rest of the file is the safe
//! wrapper; on other targets than `wasm32` there is nothing to attack.

use tidegate_sdk::prelude::*;

/// Holds `count` requests and never gives one back.
pub fn keep_handles(count: u64) -> Result<()> {
    for _ in 0..count {
        #[cfg(target_arch = "wasm32")]
        std::mem::forget(tidegate_sdk::bindings::tidegate::sync::fetch::Request::new(
            "GET", "/",
        ));
    }
    Ok(())
}

/// Passes one string of 1 MiB as 200 elements of a list: 1 MiB of the guest's memory,
/// 200 MiB for a host that copies before it counts.
pub fn alias_one_string() -> Result<()> {
    let id = "x".repeat(1024 * 1024);
    let ids = vec![
        raw::Text {
            start: id.as_ptr(),
            bytes: id.len()
        };
        200
    ];
    let mut answer = [0_u32; 8];
    raw::delete("Item", &ids, &mut answer);
    ensure!(answer[0] as u8 == 0, "the host refused the list");
    Ok(())
}

#[cfg(target_arch = "wasm32")]
mod raw {
    /// A string as the canonical ABI has it in a list.
    #[repr(C)]
    #[derive(Clone)]
    pub struct Text {
        pub start: *const u8,
        pub bytes: usize,
    }

    #[link(wasm_import_module = "tidegate:sync/records@0.1.0")]
    unsafe extern "C" {
        #[link_name = "batch-delete"]
        fn batch_delete(
            model: *const u8,
            model_len: usize,
            ids: *const Text,
            ids_len: usize,
            answer: *mut u32,
        );
    }

    pub fn delete(model: &str, ids: &[Text], answer: &mut [u32; 8]) {
        // SAFETY: every pointer is to memory that outlives the call, and the answer (a
        // result of an error record with three fields) takes at most 32 bytes.
        unsafe {
            batch_delete(
                model.as_ptr(),
                model.len(),
                ids.as_ptr(),
                ids.len(),
                answer.as_mut_ptr(),
            )
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod raw {
    #[derive(Clone)]
    #[allow(dead_code)]
    pub struct Text {
        pub start: *const u8,
        pub bytes: usize,
    }

    pub fn delete(_: &str, _: &[Text], _: &mut [u32; 8]) {}
}
