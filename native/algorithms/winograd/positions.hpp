// Winograd's algorithm with lanes along positions: packing, and execution block by block.
#pragma once

#include "algorithms/combining.hpp"
#include "algorithms/winograd/positions_input.hpp"
#include "algorithms/winograd/positions_output.hpp"
#include "algorithms/winograd/positions_products.hpp"

namespace tconv::TCONV_TARGET::winograd::position_lanes {

template <class T>
class Winograd final : public Combining<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    Winograd(const WinogradRecipe<T>& recipe, const T* weight, const T* bias)
        : Combining<T>(recipe.phases.layer, weight, bias),
          recipe_(recipe),
          phases_(recipe.phases),
          bias_(bias_or_zeros(phases_.layer, bias)) {
        pack(weight);
    }

  protected:
    void combine(const Shape& shape, const T* x, T* y, int threads, const Parallel& parallel,
                 Patches& again) const override {
        const TilePlan plan = recipe_.tile_plan(shape);
        if (!plan.whole) fill_with_bias(phases_.layer, shape, bias_.data(), y, parallel);
        if (plan.all == 0) return;
        const int64_t whole = plan.blocks * phases_.layer.groups, blocks = recipe_.channel_blocks;
        const int64_t splits = min(blocks, threads > 1 ? ceil_div(2 * threads, whole) : 1);
        parallel(whole * splits, [&](int64_t task) {
            const int64_t split = task % splits, block = task / splits % plan.blocks;
            run_block(shape, plan, x, y, task / splits / plan.blocks, block,
                      blocks * split / splits, blocks * (split + 1) / splits, again);
        });
    }

  private:
    // [group][channel block][phase group][point][rows][channel][row]
    void pack(const T* weight) {
        const int64_t in = phases_.in, out = phases_.out, kernel = phases_.kernel;
        T* to = packed_.grow(phases_.layer.groups * recipe_.filters * in * out + 16);
        for (int64_t g = 0; g < phases_.layer.groups; ++g)
            for (int64_t first = 0; first < out; first += recipe_.block_channels) {
                const int64_t channels = min(recipe_.block_channels, out - first);
                for (const GroupTransform<T>& group : recipe_.groups) {
                    const int64_t rows = group.phase_group->phases * channels;
                    for (int64_t r = 0; r < rows;) {
                        const int64_t height = block_rows(rows, r);
                        pack_rows(weight + (g * in * out + first) * kernel, group, channels, r,
                                  height, to + r * in, rows * in);
                        r += height;
                    }
                    to += group.filters * rows * in;
                }
            }
    }

    void pack_rows(const T* weight, const GroupTransform<T>& group, int64_t channels,
                   int64_t first, int64_t height, T* to, int64_t to_step) const {
        const PhaseGroup& phase_group = *group.phase_group;
        int64_t places[27][max_rows];
        for (int64_t tap = 0; tap < phase_group.taps; ++tap)
            for (int64_t m = 0; m < max_rows; ++m) {
                const int64_t row = first + min(m, height - 1);
                places[tap][m] =
                    row % channels * phases_.kernel +
                    phases_.element(phase_group, row / channels, phase_group.taps - 1 - tap);
            }
        const Fmr<T>* fmr[3] = {group.axes[0].fmr, group.axes[1].fmr, group.axes[2].fmr};
        for (int64_t c = 0; c < phases_.in; ++c, weight += phases_.out * phases_.kernel) {
            Column<T> one[64], two[64];
            for (int64_t tap = 0; tap < phase_group.taps; ++tap) {
                T row[max_rows];
                for (int m = 0; m < max_rows; ++m) row[m] = weight[places[tap][m]];
                one[tap] = *reinterpret_cast<const Column<T>*>(row);
            }
            const Column<T>* const filter = transform_filter(fmr, one, two);
            T* row = to + c * height;
            for (int64_t e = 0; e < group.filters; ++e, row += to_step)
                if (height == max_rows)
                    *reinterpret_cast<Column<T>*>(row) = filter[e];
                else
                    for (int64_t m = 0; m < height; ++m) row[m] = filter[e][m];
        }
    }

    void run_block(const Shape& shape, const TilePlan& plan, const T* x, T* y, int64_t group,
                   int64_t index, int64_t first_block, int64_t end_block, Patches& again) const {
        Scratch scratch;
        const TileBlock block = recipe_.tile_block(plan, index, scratch);
        const int64_t in = phases_.in, out = phases_.out;
        const int64_t cells = shape.input[0] * shape.input[1] * shape.input[2];
        T* const input = scratch.take<T>(recipe_.points * block.step + 4 * lanes);
        const int64_t held = block.plane + lanes * block.count;
        T* const squares = scratch.take<T>(held);
        zero(squares, held);
        {
            Scratch inner;
            const InputTransform<T> transform(recipe_, shape, plan, x, block.plane, inner);
            for (int64_t c = 0; c < in; ++c) {
                T* sums = squares;
                for (int64_t i = 0; i < block.count; ++i) {
                    const TileRow& row = block.rows[i];
                    transform.run(
                        row, (row.image * phases_.layer.in_channels + group * in + c) * cells,
                        input + c * block.plane + row.at, block.step, sums);
                    sums += ceil_div(row.tiles, lanes) * lanes;
                }
            }
        }
        report(plan, block, group, squares, again);
        for (int64_t b = first_block; b < end_block; ++b) {
            const int64_t first = group * out + b * recipe_.block_channels;
            const int64_t channels =
                min(recipe_.block_channels, out - b * recipe_.block_channels);
            const T* weights = packed_.data() + first * recipe_.filters * in;
            for (int64_t g = 0; g < count_of(recipe_.groups); g += recipe_.row_groups())
                weights = run_groups(shape, plan, block, &recipe_.groups[static_cast<size_t>(g)],
                                     first, channels, weights, input, y);
        }
    }

    // The tiles of a block whose inputs are not all of ordinary size.
    void report(const TilePlan& plan, const TileBlock& block, int64_t group, const T* squares,
                Patches& again) const {
        std::vector<Patch> found;
        for (int64_t r = 0; r < block.count; ++r) {
            const TileRow& row = block.rows[r];
            for (int64_t i = 0; i < row.tiles; i += lanes) {
                if (ordinary<T>(load(squares + i))) continue;
                for (int64_t j = i; j < min(i + lanes, row.tiles); ++j) {
                    if (ordinary(squares[j])) continue;
                    Patch patch{row.image, group, {row.z, row.y, row.x + j}, {}};
                    for (int a = 0; a < 3; ++a) {
                        patch.count[a] = recipe_.axes[a].m;
                        patch.first[a] = plan.first[a] + patch.first[a] * patch.count[a];
                    }
                    found.push_back(patch);
                }
            }
            squares += ceil_div(row.tiles, lanes) * lanes;
        }
        again.add(found);
    }

    // The phase groups that differ on the last axis alone, of output channels from `first` on.
    // Returns the end of the weights that they take.
    const T* run_groups(const Shape& shape, const TilePlan& plan, const TileBlock& block,
                        const GroupTransform<T>* groups, int64_t first, int64_t channels,
                        const T* weights, const T* input, T* y) const {
        Scratch scratch;
        const auto rows_of = [&](int64_t x) { return groups[x].phase_group->phases * channels; };
        const auto step_of = [&](int64_t x) { return odd_lines<T>(rows_of(x) * block.plane); };
        int64_t cells = 0;
        for (int64_t x = 0; x < recipe_.row_groups(); ++x) cells += groups[x].points * step_of(x);
        T* const products = scratch.take<T>(cells);
        T* to = products;
        for (int64_t x = 0; x < recipe_.row_groups(); ++x) {
            weights =
                multiply(recipe_, block, groups[x], rows_of(x), step_of(x), weights, input, to);
            to += groups[x].points * step_of(x);
        }
        const OutputTransform<T> output(recipe_, shape, plan, block, groups, scratch);
        for (int64_t c = first; c < first + channels; ++c)
            output.run(products, channels, c - first, bias_.data()[c],
                       y + c * shape.output[0] * shape.output[1] * shape.output[2]);
        return weights;
    }

    const WinogradRecipe<T>& recipe_;
    const PhaseGroups& phases_;
    Buffer<T> bias_, packed_;
};

template <class T>
std::unique_ptr<Packed<T>> WinogradRecipe<T>::pack(const T* weight, const T* bias) const {
    return std::make_unique<Winograd<T>>(*this, weight, bias);
}

}  // namespace tconv::TCONV_TARGET::winograd::position_lanes
