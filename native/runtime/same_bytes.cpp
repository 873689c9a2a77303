#include "runtime/same_bytes.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "runtime/pool.hpp"

namespace tconv {

bool same_bytes(const void* one, const void* other, int64_t bytes,
                const std::function<void()>& poll) {
    constexpr int64_t piece = int64_t(1) << 18;  // what one task compares
    constexpr int64_t start = int64_t(1) << 14;  // where most that differ do so
    const auto *first = static_cast<const char*>(one), *second = static_cast<const char*>(other);
    const auto same_part = [&](int64_t from, int64_t count) {
        return std::memcmp(first + from, second + from, static_cast<size_t>(count)) == 0;
    };
    const int64_t looked = std::min(bytes, start);
    if (!same_part(0, looked)) return false;
    if (looked == bytes) return true;
    std::atomic<bool> same{true};
    const auto compare = [&](int64_t task) {
        const int64_t from = looked + task * piece, count = std::min(piece, bytes - from);
        if (same.load(std::memory_order_relaxed) && !same_part(from, count))
            same.store(false, std::memory_order_relaxed);
    };
    pool::run((bytes - looked + piece - 1) / piece, compare, poll);
    return same;
}

}  // namespace tconv
