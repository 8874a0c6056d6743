//! The executable itself.

use crate::support::repository;

/// Where a program header of an ELF file says what it is, and the kind that names an interpreter.
const PT_INTERP: u32 = 3;

fn number<const N: usize>(file: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes[..N].copy_from_slice(&file[at..at + N]);
    u64::from_le_bytes(bytes)
}

/// The kinds of all program headers of a 64-bit little-endian ELF file.
fn header_kinds(file: &[u8]) -> Vec<u32> {
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "a 64-bit little-endian ELF file");
    let start = number::<8>(file, 0x20) as usize;
    let (size, count) = (number::<2>(file, 0x36) as usize, number::<2>(file, 0x38) as usize);
    (0..count).map(|index| number::<4>(file, start + index * size) as u32).collect()
}

#[test]
fn the_program_is_one_static_file() {
    let file = std::fs::read(env!("CARGO_BIN_EXE_causeway")).expect("the program can be read");
    let kinds = header_kinds(&file);
    assert!(!kinds.is_empty());
    assert!(
        !kinds.contains(&PT_INTERP),
        "the program asks for an interpreter, so it does not run in an image without libraries; \
         is RUSTFLAGS set? It replaces the flags of {}/.cargo/config.toml",
        repository().display()
    );
    // The same reading finds the interpreter of a program that has one.
    let shell = std::fs::read("/bin/sh").expect("a shell");
    assert!(
        header_kinds(&shell).contains(&PT_INTERP) || shell.len() > 1 << 20,
        "a dynamic shell, or busybox"
    );
}
