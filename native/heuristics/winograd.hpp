// Tuned numbers of both Winograd algorithms. `python -m benchmarks calibrate` fits the costs,
// `python -m benchmarks layers` the cache budgets.
#pragma once

#include <cstdint>

namespace tconv::TCONV_TARGET::winograd {

// Cache budgets.
namespace position_lanes {
constexpr int64_t product_bytes = 256 << 10;      // products of a block of tiles and channels
constexpr int64_t most_product_bytes = 1 << 20;   // the same, where phases are many
constexpr int64_t block_tiles = 48;               // of a block
constexpr int64_t most_block_tiles = 144;         // where a single block reads large weights once
constexpr int64_t large_weights = 6 << 20;        // bytes
constexpr double cached_weights = 16 << 20;       // bytes that stay cached from block to block
}  // namespace position_lanes
namespace channel_lanes {
constexpr int64_t kc_cached = 64;              // channels whose input and weights stay in level 1
constexpr int64_t input_bytes = 1 << 20;       // transformed input of a block of tiles
constexpr int64_t fewest_block_tiles = 48;     // of a block: each reads all weights
constexpr int64_t most_block_tiles = 96;
constexpr int64_t product_bytes = 768 << 10;   // products of a block of tiles and an N-block
constexpr int64_t output_bytes = 1280 << 10;   // outputs of a block that wait to be transposed
constexpr int64_t block_vectors = 16;          // columns of a channel block, at least
constexpr int64_t fewest_block_channels = 64;  // of a channel block
constexpr int64_t level_2_weights = 1 << 20;   // bytes that stay in the second-level cache
constexpr int64_t few_tiles = 16;              // of a region that is not worth reading weights for
constexpr int64_t tried_sizes = 12;            // of a block
}  // namespace channel_lanes

// Costs, in vector multiply-adds.
namespace position_lanes {
constexpr double product_cost = 0.08;  // beside a product, times the square of the transformed axes
constexpr double row_cost = 3;         // a vector of a row of the input, for each point
constexpr double input_cost = 8;       // a vector of transformed input
constexpr double output_cost = 4;      // a vector of products
constexpr double write_cost = 4;       // a vector of the output
constexpr double packing_cost = 4;     // each number packed
}  // namespace position_lanes
namespace channel_lanes {
constexpr double tile_cost = 150;                // a tile
constexpr double input_cost = 22;                // a vector of transformed input
constexpr double output_cost = 18;               // a vector of products
constexpr double transpose_cost = 28;            // a vector of an array with channels first
constexpr double weight_read_cost = 15;          // a vector of weights, read for a block
constexpr double uncached_weight_read_cost = 25;  // the same, larger than the last-level cache
constexpr double packing_cost = 8;               // each number packed
}  // namespace channel_lanes

}  // namespace tconv::TCONV_TARGET::winograd
