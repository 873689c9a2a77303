// Strassen's algorithm where every output has one tap: a GEMM of positions × input channels by input
// channels × columns, which are phases times output channels. Pairs of neighbouring positions, halves
// of the channels and halves of the columns multiply as 2 × 2 blocks, in seven products instead of
// eight. Of several such schemes this one has the smallest rounding errors.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "algorithms/combining.hpp"
#include "epilogue.hpp"
#include "gemm/tile_kernel.hpp"
#include "heuristics/cache.hpp"
#include "heuristics/costs.hpp"
#include "heuristics/strassen.hpp"
#include "problem/phase_groups.hpp"
#include "problem/range.hpp"
#include "problem/rows.hpp"
#include "registry.hpp"

namespace tconv::TCONV_TARGET::strassen {

constexpr int products = 7;

// How one call's pairs of positions are cut. Which make a pair is the same for all threads.
struct TilePlan {
    Range range;
    int64_t positions, pairs, tiles, blocks;
    int64_t tasks, splits;    // of the blocks, of the columns
    bool plain, nontemporal;  // whether whole vectors are stored, and with non-temporal stores
};

// Where a position is read and written, and its first output.
struct Position {
    int64_t read, write, output[3], image;
};

// The columns of one vector: channels of one phase.
struct ColumnVector {
    int64_t phase[3], element, channel, count;
};

// Everything that needs neither weights nor a shape.
template <class T>
struct StrassenRecipe final : Recipe<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

    explicit StrassenRecipe(const Layer& given) : phases(given), epilogue(given) {
        half = ceil_div(phases.in, 2);
        kc = ceil_div(half, ceil_div(half, longest_kc));
        pitch = odd_lines<T>(ceil_div(half, lanes) * lanes);
        const PhaseGroup& group = phases.all[0];
        int64_t phase = 0;
        for (const int64_t z : group.axes[0]->phases)
            for (const int64_t y : group.axes[1]->phases)
                for (const int64_t x : group.axes[2]->phases) {
                    const int64_t element = phases.element(group, phase++, 0);
                    for (int64_t c = 0; c < phases.out; c += lanes)
                        columns.push_back({{z, y, x}, element, c, min(lanes, phases.out - c)});
                }
        vectors = ceil_div(count_of(columns), 2);
        columns.resize(static_cast<size_t>(2 * vectors), {{0, 0, 0}, 0, 0, 0});
        group_weights = products * half * vectors * lanes;
    }

    static const char* unsupported_reason(const Layer& layer) {
        if (layer.layout != Layout::channels_last) return "only with channels last";
        for (const Axis& axis : layer.axes) {
            const AxisGroups axis_groups = axis_groups_of(axis);
            if (count_of(axis_groups.groups) > 1 || count_of(axis_groups.groups[0].offsets) > 1)
                return "some outputs have several taps";
        }
        return nullptr;
    }

    Cost estimate(const Shape& shape, int threads) const override {
        const TilePlan plan = tile_plan(shape, threads);
        const int64_t groups = phases.layer.groups;
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        const double pairs = number(plan.pairs * groups);
        const double weights = number(groups * group_weights);
        Cost c;
        const double rows =
            std::max(number(plan.pairs) / number(max(plan.tiles, 1)), least_rows_share * tile_mr);
        c.products = rows * number(plan.tiles) * weights / lanes;
        c.others = pairs * (4 * input_cost * number(ceil_div(half, lanes)) +
                            4 * (plan.plain ? output_cost : edge_output_cost) * number(vectors)) +
                   weight_read_cost * weights / lanes * number(plan.blocks);
        c.packing = packing_cost * weights;
        c.tasks = plan.tasks * plan.splits * groups;
        c.bytes = bytes_moved<T>(phases.layer, shape);
        return c;
    }

    std::unique_ptr<Packed<T>> pack(const T* weight, const T* bias) const override;

    TilePlan tile_plan(const Shape& shape, int threads) const {
        const int64_t groups = phases.layer.groups;
        TilePlan plan;
        plan.range = range_of(phases.layer, phases.axes, shape);
        plan.plain = plan.range.inside && phases.out % lanes == 0 && epilogue.in_registers();
        plan.nontemporal = bytes_moved<T>(phases.layer, shape, false) >= nontemporal_bytes;
        plan.positions =
            shape.batch * plan.range.count[0] * plan.range.count[1] * plan.range.count[2];
        plan.pairs = ceil_div(plan.positions, 2);
        plan.tiles = ceil_div(plan.pairs, tile_mr);
        const int64_t fits = input_sum_bytes / (products * pitch * int64_t(sizeof(T)));
        const bool cached = groups * group_weights * int64_t(sizeof(T)) <= cached_weights;
        const int64_t most = min(fits, cached ? most_pairs : most_pairs_uncached);
        plan.blocks = ceil_div(plan.tiles, max(most / tile_mr, 1));
        const int64_t wanted = tasks_per_thread * threads;
        const int64_t fair = ceil_div(plan.blocks * groups, wanted);
        plan.tasks = ceil_div(plan.blocks, max(min(fair, most_blocks), 1));
        const int64_t column_blocks = ceil_div(vectors, tile_nr);
        plan.splits = min(column_blocks, ceil_div(wanted, max(plan.tasks * groups, 1)));
        if (threads == 1) plan.splits = 1;
        return plan;
    }

    const PhaseGroups phases;
    const Epilogue<T> epilogue;
    int64_t half, pitch, kc;         // channels of a half, from pair to pair, in a KC block
    int64_t vectors, group_weights;  // of a half of the columns
    std::vector<ColumnVector> columns;  // of both halves
};

template <class T>
class Strassen final : public Combining<T> {
    typedef typename Lanes<T>::V V;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    Strassen(const StrassenRecipe<T>& recipe, const T* weight, const T* bias)
        : Combining<T>(recipe.phases.layer, weight, bias),
          recipe_(recipe),
          phases_(recipe.phases),
          layer_(phases_.layer),
          bias_(bias_or_zeros(layer_, bias)) {
        pack(weight);
    }

  protected:
    void combine(const Shape& shape, const T* x, T* y, int threads, const Parallel& parallel,
                 Patches& again) const override {
        TilePlan plan = recipe_.tile_plan(shape, threads);
        if (!plan.range.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        plan.nontemporal = plan.nontemporal && aligned(y);
        const int64_t columns = ceil_div(recipe_.vectors, tile_nr);
        parallel(plan.tasks * plan.splits * layer_.groups, [&](int64_t task) {
            const int64_t split = task % plan.splits, part = task / plan.splits % plan.tasks;
            run_blocks(shape, plan, task / plan.splits / plan.tasks,
                       plan.blocks * part / plan.tasks, plan.blocks * (part + 1) / plan.tasks,
                       columns * split / plan.splits * tile_nr,
                       min(columns * (split + 1) / plan.splits * tile_nr, recipe_.vectors), x, y,
                       again);
        });
    }

  private:
    // Pairs of positions of one group.
    struct PairBlock {
        const Position* position;
        int64_t pairs, group;
        const T* inputs;  // the left operands of the seven products
        T* products;      // of some columns, in four places
        T* y;
        bool plain;
        const T *prefetch, *prefetch_end;  // what the next block reads
    };

    // Every product goes to one of four places, the order being such that nothing is lost that is
    // still needed. If an output is then complete, of a position and half of the columns, it is the
    // sum of places 1 and `other` or, where there is no other, that of all, of which 1 is negative.
    struct ProductStep {
        int place;
        bool writes;
        int position, half, other;
    };
    static constexpr ProductStep steps[products] = {
        {0, false, 0, 0, 0}, {1, false, 0, 0, 0}, {2, false, 0, 0, 0}, {3, true, 1, 1, 0},
        {3, true, 1, 0, 3},  {1, true, 0, 1, 2},  {2, true, 0, 0, 0},
    };

    // [group][block of columns][product][channel][column]
    void pack(const T* weight) {
        const int64_t vectors = recipe_.vectors;
        T* to = packed_.grow(layer_.groups * recipe_.group_weights);
        T* bias = column_bias_.grow(layer_.groups * 2 * vectors * lanes);
        for (int64_t g = 0; g < layer_.groups; ++g) {
            for (const ColumnVector& column : recipe_.columns)
                for (int64_t j = 0; j < lanes; ++j)
                    *bias++ =
                        j < column.count ? bias_.data()[g * phases_.out + column.channel + j] : T(0);
            for (int64_t v = 0; v < vectors; v += tile_nr) {
                const int64_t width = min(tile_nr, vectors - v) * lanes;
                for (int64_t n = 0; n < width; n += lanes)
                    pack_vector(weight, v + n / lanes, to + n, width);
                to += products * recipe_.half * width;
            }
            weight += phases_.in * phases_.out * phases_.kernel;
        }
    }

    // A vector of the first half of the columns, and that of the second.
    void pack_vector(const T* weight, int64_t vector, T* to, int64_t row) const {
        const int64_t half = recipe_.half, kernel = phases_.kernel;
        const ColumnVector &one = recipe_.columns[static_cast<size_t>(vector)],
                           &two = recipe_.columns[static_cast<size_t>(vector + recipe_.vectors)];
        const auto read = [&](const ColumnVector& column, int64_t c) {
            V v{};
            const T* from = weight + (c * phases_.out + column.channel) * kernel + column.element;
            for (int64_t j = 0; c < phases_.in && j < column.count; ++j) v[j] = from[j * kernel];
            return v;
        };
        for (int64_t c = 0; c < half; ++c, to += row) {
            const V a = read(one, c), b = read(two, c);
            const V d = read(one, half + c), e = read(two, half + c);
            const V sums[products] = {a + e, a, b - e, a + b, d - a, e, d + e};
            for (int p = 0; p < products; ++p) store<T>(to + p * half * row, sums[p]);
        }
    }

    void run_blocks(const Shape& shape, const TilePlan& plan, int64_t group, int64_t first_block,
                    int64_t end_block, int64_t first, int64_t end, const T* x, T* y,
                    Patches& again) const {
        std::vector<Patch> found;
        x += group * phases_.in;
        for (int64_t b = first_block; b < end_block; ++b) {
            const int64_t low = plan.tiles * b / plan.blocks * tile_mr;
            const int64_t high = min(plan.tiles * (b + 1) / plan.blocks * tile_mr, plan.pairs);
            const int64_t pairs = high - low, step = pairs * recipe_.pitch;
            Scratch scratch;
            Position* const position = scratch.take<Position>(2 * pairs);
            find(shape, plan, 2 * low, 2 * pairs, position);
            T* const to = scratch.take<T>(products * step);
            for (int64_t i = 0; i < pairs; ++i) {
                const Position *const one = position + 2 * i, *const two = one + 1;
                if (ordinary<T>(
                        sum_inputs(x + one->read, x + two->read, to + i * recipe_.pitch, step)))
                    continue;
                found.push_back(patch_of(*one, shape, group));
                if (2 * (low + i) + 1 < plan.positions)
                    found.push_back(patch_of(*two, shape, group));
            }
            PairBlock block{position, pairs, group, to,
                            scratch.take<T>(4 * pairs * tile_nr * lanes), y + group * phases_.out,
                            plan.plain && 2 * high <= plan.positions, x, x};
            if (b + 1 < end_block) {
                block.prefetch = x + position[2 * pairs - 1].read;
                block.prefetch_end = block.prefetch + 2 * pairs * layer_.in_channels;
            }
            for (int64_t v = first; v < end; v += tile_nr) multiply(shape, plan, block, v);
        }
        if (plan.nontemporal) fence();
        again.add(found);
    }

    Patch patch_of(const Position& position, const Shape& shape, int64_t group) const {
        Patch patch{position.image, group, {}, {1, 1, 1}};
        for (int a = 0; a < 3; ++a)
            patch.first[a] = floor_div(position.output[a] + shape.crop[a], layer_.axes[a].stride);
        return patch;
    }

    // Neighbouring positions from `first` on. Beyond the last: that one, with no output.
    void find(const Shape& shape, const TilePlan& plan, int64_t first, int64_t count,
              Position* to) const {
        int64_t n = first, at[3], read[3], write[3];
        for (int a = 2; a >= 0; --a) {
            at[a] = n % plan.range.count[a];
            n /= plan.range.count[a];
            read[a] = a == 2 ? layer_.in_channels : read[a + 1] * shape.input[a + 1];
            write[a] = a == 2 ? layer_.out_channels : write[a + 1] * shape.output[a + 1];
        }
        for (int64_t i = 0; i < count; ++i, ++to) {
            if (first + i >= plan.positions) {
                *to = to[-1];
                to->output[0] = shape.output[0];
                continue;
            }
            to->image = n;
            to->read = n * read[0] * shape.input[0];
            to->write = n * write[0] * shape.output[0];
            for (int a = 0; a < 3; ++a) {
                const int64_t q = plan.range.first[a] + at[a];
                to->output[a] = q * layer_.axes[a].stride - shape.crop[a];
                to->read += q * read[a];
                to->write += to->output[a] * write[a];
            }
            int a = 2;
            while (a >= 0 && ++at[a] == plan.range.count[a]) at[a--] = 0;
            if (a < 0) ++n;
        }
    }

    // The left operands of the products of two positions, `step` apart. Returns the sum of the
    // squares of their channels.
    V sum_inputs(const T* one, const T* two, T* to, int64_t step) const {
        const int64_t half = recipe_.half, rest = phases_.in - half;  // channels of each half
        V squares{};
        const auto put = [=, &squares](int64_t c, V a, V b, V d, V e) TCONV_INLINED {
            squares += (a * a + b * b) + (d * d + e * e);
            const V sums[products] = {a + e, d + e, a, d - a, e, a + b, b - e};
#pragma GCC unroll 7
            for (int p = 0; p < products; ++p) store<T>(to + c + p * step, sums[p]);
        };
        int64_t c = 0;
        for (; c + lanes <= rest; c += lanes)
            put(c, load<T>(one + c), load<T>(one + half + c), load<T>(two + c),
                load<T>(two + half + c));
        const auto last = [c](const T* from, int64_t end) {
            return end - c < lanes ? load_first<T>(from + c, end - c) : load<T>(from + c);
        };
        if (c < half)
            put(c, last(one, half), last(one + half, rest), last(two, half),
                last(two + half, rest));
        return squares;
    }

    void multiply(const Shape& shape, const TilePlan& plan, PairBlock& block,
                  int64_t vector) const {
        const int64_t half = recipe_.half, pitch = recipe_.pitch;
        const int64_t pairs = block.pairs, tiles = ceil_div(pairs, tile_mr);
        const int64_t vectors = min(tile_nr, recipe_.vectors - vector), width = vectors * lanes;
        const T* weights = packed_.data() + block.group * recipe_.group_weights +
                           products * half * vector * lanes;
        const T* inputs = block.inputs;
        for (const ProductStep& step : steps) {
            T* const to = block.products + step.place * pairs * width;
            for (int64_t i = 0; i < tiles; ++i) {
                const int64_t first = pairs * i / tiles, rows = pairs * (i + 1) / tiles - first;
                const T* prefetch = weights + half * width + i % vectors * half * lanes;
                if (i + 1 == tiles && block.prefetch < block.prefetch_end) {
                    prefetch = block.prefetch;
                    block.prefetch += half * (64 / int64_t(sizeof(T)));
                }
                tile_kernel_of<T>({half, recipe_.kc, inputs + first * pitch, pitch, weights,
                                   prefetch, to + first * width, width, false},
                                  rows, vectors);
                if (step.writes)
                    write(shape, plan, block, step, vector + step.half * recipe_.vectors, vectors,
                          first, rows, block.products + first * width);
            }
            inputs += pairs * pitch;
            weights += half * width;
        }
    }

    // Some columns of one position of every pair from `first` on.
    void write(const Shape& shape, const TilePlan& plan, const PairBlock& block,
               const ProductStep& step, int64_t vector, int64_t vectors, int64_t first,
               int64_t rows, const T* from) const {
        const int64_t apart = block.pairs * vectors * lanes;
        const Position* const position = block.position + 2 * first + step.position;
        const ColumnVector* const columns = recipe_.columns.data() + vector;
        const T* const biases =
            column_bias_.data() + (block.group * 2 * recipe_.vectors + vector) * lanes;
        T* to[tile_nr];
        for (int64_t n = 0; n < vectors; ++n) {
            const int64_t* const phase = columns[n].phase;
            to[n] = block.y + columns[n].channel +
                    ((phase[0] * shape.output[1] + phase[1]) * shape.output[2] + phase[2]) *
                        layer_.out_channels;
        }
        const auto each_of = [&](auto count, const auto& put) TCONV_INLINED {
            constexpr int N = count;
            constexpr int64_t row = N * lanes;
            const T *a = from, *b = from + apart;
            V bias[N];
            for (int n = 0; n < N; ++n) bias[n] = load<T>(biases + n * lanes);
            if (step.other) {
                const T* c = from + step.other * apart;
                for (int64_t m = 0; m < rows; ++m, b += row, c += row)
                    each<N>([&](auto n) TCONV_INLINED {
                        constexpr int64_t at = n * lanes;
                        put(position[2 * m], n, load<T>(b + at) + load<T>(c + at) + bias[n]);
                    });
            } else {
                const T *c = b + apart, *d = c + apart;
                for (int64_t m = 0; m < rows; ++m, a += row, b += row, c += row, d += row)
                    each<N>([&](auto n) TCONV_INLINED {
                        constexpr int64_t at = n * lanes;
                        put(position[2 * m], n,
                            (load<T>(a + at) - load<T>(b + at)) +
                                (load<T>(c + at) + load<T>(d + at)) + bias[n]);
                    });
            }
        };
        const auto each_output = [&](const auto& put) TCONV_INLINED {
            if (vectors == 1)
                each_of(std::integral_constant<int, 1>(), put);
            else
                each_of(std::integral_constant<int, tile_nr>(), put);
        };
        const Epilogue<T> epilogue = recipe_.epilogue;
        const V least =
            broadcast<T>(epilogue.relu() ? T(0) : -std::numeric_limits<T>::infinity());
        if (!block.plain || columns[vectors - 1].count < lanes)  // the very last may be none
            each_output([&](const Position& at, int n, V v) {
                for (int a = 0; a < 3; ++a) {
                    const int64_t o = at.output[a] + columns[n].phase[a];
                    if (o < 0 || o >= shape.output[a]) return;
                }
                epilogue.of(v);
                store_some<1>(to[n] + at.write, &v, columns[n].count);
            });
        else if (plan.nontemporal)
            each_output([&](const Position& at, int n, V v) TCONV_INLINED {
                store_nontemporal<T>(to[n] + at.write, v < least ? least : v);
            });
        else
            each_output([&](const Position& at, int n, V v) TCONV_INLINED {
                store<T>(to[n] + at.write, v < least ? least : v);
            });
    }

    const StrassenRecipe<T>& recipe_;
    const PhaseGroups& phases_;
    const Layer& layer_;
    Buffer<T> bias_, packed_, column_bias_;
};

template <class T>
std::unique_ptr<Packed<T>> StrassenRecipe<T>::pack(const T* weight, const T* bias) const {
    return std::make_unique<Strassen<T>>(*this, weight, bias);
}

}  // namespace tconv::TCONV_TARGET::strassen
