// What several algorithms take for granted of the caches and of threads. Those of one algorithm stand
// in the file of its name. `python -m benchmarks layers` fits them.
#pragma once

#include <cstdint>

namespace tconv {

constexpr int64_t tasks_per_thread = 4;           // so that threads end at about the same time
constexpr int64_t uncached_weights = 32 << 20;    // bytes larger than the last-level cache
constexpr int64_t nontemporal_bytes = 8 << 20;    // of an output, from which on it is stored past the caches

}  // namespace tconv
