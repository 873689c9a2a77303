// Tuned numbers of Strassen's algorithm. `python -m benchmarks calibrate` fits the costs,
// `python -m benchmarks layers` the cache budgets.
#pragma once

#include <cstdint>

namespace tconv::TCONV_TARGET::strassen {

// Cache budgets.
constexpr int64_t input_sum_bytes = 704 << 10;  // sums of inputs of a block of pairs
constexpr int64_t most_pairs = 24;              // of a block
constexpr int64_t most_pairs_uncached = 48;     // the same, where weights exceed cached_weights
constexpr int64_t cached_weights = 8 << 20;     // bytes of weights that stay cached between blocks
constexpr int64_t most_blocks = 16;             // that one task takes
constexpr int64_t longest_kc = 96;              // of a KC block: bounds the rounding errors

// Costs, in vector multiply-adds.
constexpr double input_cost = 8;           // a vector of inputs, added up for the seven products
constexpr double output_cost = 11;         // a vector of outputs
constexpr double edge_output_cost = 30;    // a vector of outputs, some of which may not exist
constexpr double weight_read_cost = 0.5;   // a vector of weights, read once a block
constexpr double least_rows_share = 0.6;   // of mr, whose time a micro-kernel takes at least
constexpr double packing_cost = 3;         // each number packed

}  // namespace tconv::TCONV_TARGET::strassen
