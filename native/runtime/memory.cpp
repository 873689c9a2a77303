#include "runtime/memory.hpp"

#include <algorithm>
#include <cstdlib>

#if defined(_WIN32)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tconv {
namespace {

constexpr size_t cache_line = 64;
constexpr size_t huge_page = size_t(2) << 20;
constexpr size_t smallest_block = size_t(256) << 10;

size_t rounded(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// Blocks that never move; those after `block` are free.
struct Arena {
    struct Block {
        Buffer<char> memory;
        size_t size;
    };
    std::vector<Block> blocks;
    size_t block = 0, used = 0;

    void* take(size_t bytes) {
        bytes = rounded(bytes, cache_line);
        while (block < blocks.size() && used + bytes > blocks[block].size) {
            ++block;
            used = 0;
        }
        if (block == blocks.size()) {
            const size_t size = std::max(bytes, smallest_block);
            blocks.push_back({Buffer<char>(static_cast<int64_t>(size)), size});
        }
        void* const taken = blocks[block].memory.data() + used;
        used += bytes;
        return taken;
    }

    // One block for all that several held.
    void join() {
        if (blocks.size() < 2) return;
        size_t size = 0;
        for (const Block& one : blocks) size += one.size;
        blocks.clear();
        try {
            blocks.push_back({Buffer<char>(static_cast<int64_t>(size)), size});
        } catch (const OutOfMemory&) {  // the next call books what it needs
        }
    }
};

thread_local Arena arena;

}  // namespace

void* allocate(size_t bytes) {
    const size_t unit = bytes < huge_page ? cache_line : huge_page;
    const size_t whole = rounded(bytes, unit);
#if defined(_WIN32)
    void* const memory = _aligned_malloc(whole, unit);
#else
    void* const memory = std::aligned_alloc(unit, whole);
#endif
    if (!memory && bytes) throw OutOfMemory{};
#if defined(__linux__)
    if (unit == huge_page) madvise(memory, whole, MADV_HUGEPAGE);
#endif
    return memory;
}

void release(void* memory) {
#if defined(_WIN32)
    _aligned_free(memory);
#else
    std::free(memory);
#endif
}

Scratch::Scratch() : block_(arena.block), used_(arena.used) {}

Scratch::~Scratch() {
    arena.block = block_;
    arena.used = used_;
    if (block_ == 0 && used_ == 0) arena.join();
}

void* Scratch::take_bytes(size_t bytes) { return arena.take(bytes); }

}  // namespace tconv
