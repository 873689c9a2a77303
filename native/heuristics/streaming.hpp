// Tuned numbers of the method `streaming`. `python -m benchmarks layers` fits the cache budgets,
// `python -m benchmarks calibrate` the costs, by layers of one to sixteen channels a group.
#pragma once

#include <cstdint>

namespace tconv::TCONV_TARGET::streaming {

// Cache budgets.
constexpr int64_t tile_bytes = 64 << 10;            // of the input that a tile reads
constexpr int64_t max_tile_positions = 4096;        // of a row
constexpr int64_t max_tile_rows = 256;              // of the output
constexpr int64_t max_arranged_bytes = 1 << 20;     // weights of the output rows computed at once
constexpr int64_t max_channels = 128;               // in times out: with more, the input comes too often

// Costs, in vector multiply-adds.
constexpr double load_cost = 0.75;      // of a vector of cells loaded, where one row uses it
constexpr double scattered_cost = 2;    // of a vector stored by pieces
constexpr double channel_cost = 45;     // of a group's input channel
constexpr double task_work = 100000;    // worth handing to a thread

}  // namespace tconv::TCONV_TARGET::streaming
