// Cache budgets of the direct convolution, fitted by `python -m benchmarks layers`.
#pragma once

#include <cstdint>

namespace tconv {

constexpr int64_t packed_y_bytes = 512 << 10;    // fits the second-level cache beside a block of weights
constexpr int64_t tile_sum_bytes = 256 << 10;    // sums of one tile, before they are written
constexpr int64_t widest_conv_tile = 1024;       // positions
constexpr int64_t most_block_rows = 256;         // input channels whose sums one tile holds
constexpr int64_t conv_block_depth = 512;        // products of a block of the sum, where it has as many

}  // namespace tconv
