// Tuned numbers of the positions algorithm. `python -m benchmarks layers` fits the budgets,
// `python -m benchmarks calibrate` the costs.
#pragma once

#include <cstdint>

namespace tconv {

// Cache budgets.
constexpr int64_t waiting_rows = 24;           // of products, before they are written
constexpr int64_t waiting_bytes = 256 << 10;   // the same in bytes
constexpr int64_t widest_tile = 1024;          // positions of a tile of one row
constexpr int64_t widest_block = 4096;         // positions of a tile of several rows
constexpr int64_t copied_bytes = 640 << 10;    // of packed B
constexpr int64_t most_columns = 8;            // tiles that a row is tried to be cut into
constexpr int64_t most_direct = 512;           // products a cell, of layers that are not copied
constexpr int64_t direct_bytes = 640 << 10;    // of the input, read by a tile and the next
constexpr int64_t channels_ahead = 2;          // prefetched while one is copied

// Costs, in vector multiply-adds.
constexpr double row_cost = 30;        // of copying a row of cells
constexpr double line_cost = 24;       // of copying a vector of them
constexpr double one_tap_cost = 1.09;  // a product where nothing in packed B is read twice
constexpr double packed_cost = 6;      // a weight packed
constexpr double written_cost = 3;     // a vector of products written
constexpr double written_row_cost = 2;  // a row of them

}  // namespace tconv
