// Strassen's products where every output has one tap: positions times channels by channels times
// columns, which are phases times output channels. Pairs of neighbouring positions, halves of the
// channels and halves of the columns multiply two by two, in seven products instead of eight. Of
// several such schemes this one has the smallest rounding errors.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "algorithms/combining.hpp"
#include "problem/parts.hpp"
#include "gemm/tile_kernel.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t sides_bytes = 704 << 10;  // left sides of the products of a block of pairs
constexpr int64_t most_pairs = 24;          // of a block
constexpr int64_t most_far_pairs = 48;      // where the weights, which every block reads, are not
constexpr int64_t close_weights = 8 << 20;  // bytes that a cache holds beside all else
constexpr int64_t most_blocks = 16;         // that one task takes
constexpr int64_t longest_half_sum = 96;    // products in one chain
// By measurement, in vector multiply-adds:
constexpr double side_cost = 8;           // a vector of inputs
constexpr double written_cost = 11;       // a vector of outputs
constexpr double part_written_cost = 30;  // where not all of it may be there
constexpr double pairs_beside = 0.5;      // what a block takes to read all weights, in pairs
constexpr double fewest_rows = 0.6 * tile_rows;  // that a tile takes the time of
constexpr double half_packing_cost = 3;   // each number packed

template <class T>
class Strassen final : public Combining<T>, Parts<T> {
    typedef Parts<T> Base;
    using Base::axes_, Base::bias_, Base::in_, Base::layer_, Base::out_, Base::phase_groups_;
    static constexpr int64_t lanes = Lanes<T>::count;
    static constexpr int products = 7;

  public:
    static const char* refusal(const Layer& layer) {
        if (layer.layout != Layout::channels_last) return "only with channels last";
        for (const Axis& axis : layer.axes) {
            const AxisGroups shares = axis_groups_of(axis);
            if (count_of(shares.groups) > 1 || count_of(shares.groups[0].offsets) > 1)
                return "some outputs have several taps";
        }
        return nullptr;
    }

    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const Strassen s(layer, nullptr, nullptr, false);
        const Cut t = s.cut(shape, threads);
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        const double pairs = number(t.pairs * layer.groups);
        const double weights = number(layer.groups * s.group_weights_);
        Cost c;
        const double rows = std::max(number(t.pairs) / number(max(t.tiles, 1)), fewest_rows);
        c.products = rows * number(t.tiles) * weights / lanes;
        c.others = pairs * (4 * side_cost * number(ceil_div(s.half_, lanes)) +
                            4 * (t.plain ? written_cost : part_written_cost) * number(s.vectors_)) +
                   pairs_beside * weights / lanes * number(t.blocks);
        c.packing = half_packing_cost * weights;
        c.tasks = t.tasks * t.splits * layer.groups;
        c.bytes = bytes_moved<T>(layer, shape);
        return c;
    }

    Strassen(const Layer& layer, const T* weight, const T* bias)
        : Strassen(layer, weight, bias, true) {
        pack(weight);
    }

  protected:
    void combine(const Shape& shape, const T* x, T* y, int threads, const Parallel& parallel,
                 Patches& again) const override {
        Cut t = cut(shape, threads);
        if (!t.range.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        t.nontemporal = bytes_moved<T>(layer_, shape, false) >= nontemporal_bytes && aligned(y);
        const int64_t columns = ceil_div(vectors_, tile_columns);
        parallel(t.tasks * t.splits * layer_.groups, [&](int64_t task) {
            const int64_t split = task % t.splits, part = task / t.splits % t.tasks;
            run_blocks(shape, t, task / t.splits / t.tasks, t.blocks * part / t.tasks,
                       t.blocks * (part + 1) / t.tasks, columns * split / t.splits * tile_columns,
                       min(columns * (split + 1) / t.splits * tile_columns, vectors_), x, y, again);
        });
    }

  private:
    // How one call's pairs of positions are cut. Which make a pair is the same for all threads.
    struct Cut {
        Range range;
        int64_t positions, pairs, tiles, blocks;
        int64_t tasks, splits;  // of the blocks, of the columns
        bool plain, nontemporal;    // whether whole vectors are written, and past the caches
    };

    // Where a position is read and written, and its first output.
    struct Place {
        int64_t read, write, output[3], image;
    };

    // Columns of one vector: channels of one phase.
    struct Columns {
        int64_t phase[3], element, channel, count;
    };

    // Pairs of one group.
    struct Block {
        const Place* place;
        int64_t pairs, group;
        const T* sides;
        T* y;
        bool plain;
        const T *ahead, *ahead_end;  // what the next block reads
    };

    // Every product goes to one of four places, the order being such that nothing is lost that is
    // still needed. If an output is then complete, of a position and half of the columns, it is the
    // sum of places 1 and `other` or, where there is no other, that of all, of which 1 is negative.
    struct Step {
        int place;
        bool writes;
        int position, half, other;
    };
    static constexpr Step steps[products] = {
        {0, false, 0, 0, 0}, {1, false, 0, 0, 0}, {2, false, 0, 0, 0}, {3, true, 1, 1, 0},
        {3, true, 1, 0, 3},  {1, true, 0, 1, 2},  {2, true, 0, 0, 0},
    };

    // Without weights packed.
    Strassen(const Layer& layer, const T* weight, const T* bias, bool)
        : Combining<T>(layer, weight, bias), Base(layer, bias) {
        half_ = ceil_div(in_, 2);
        kc_ = ceil_div(half_, ceil_div(half_, longest_half_sum));
        constexpr int64_t line = 64 / sizeof(T);
        pitch_ = (ceil_div(ceil_div(half_, lanes) * lanes, line) | 1) * line;
        const PhaseGroup& part = phase_groups_[0];
        int64_t phase = 0;
        for (const int64_t z : part.axes[0]->phases)
            for (const int64_t y : part.axes[1]->phases)
                for (const int64_t x : part.axes[2]->phases) {
                    const int64_t element = this->kernel_of(part, phase++, 0);
                    for (int64_t c = 0; c < out_; c += lanes)
                        columns_.push_back({{z, y, x}, element, c, min(lanes, out_ - c)});
                }
        vectors_ = ceil_div(count_of(columns_), 2);
        columns_.resize(static_cast<size_t>(2 * vectors_), {{0, 0, 0}, 0, 0, 0});
        group_weights_ = products * half_ * vectors_ * lanes;
    }

    // [group][block of columns][product][channel][column]
    void pack(const T* weight) {
        const Axis* axes = layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        T* to = packed_.grow(layer_.groups * group_weights_);
        T* start = start_.grow(layer_.groups * 2 * vectors_ * lanes);
        for (int64_t g = 0; g < layer_.groups; ++g, weight += in_ * out_ * kernel) {
            for (const Columns& columns : columns_)
                for (int64_t j = 0; j < lanes; ++j)
                    *start++ =
                        j < columns.count ? bias_.data()[g * out_ + columns.channel + j] : T(0);
            for (int64_t v = 0; v < vectors_; v += tile_columns) {
                const int64_t wide = min(tile_columns, vectors_ - v) * lanes;
                for (int64_t n = 0; n < wide; n += lanes)
                    pack_vector(weight, kernel, v + n / lanes, to + n, wide);
                to += products * half_ * wide;
            }
        }
    }

    // A vector of the first half of the columns, and that of the second.
    void pack_vector(const T* weight, int64_t kernel, int64_t vector, T* to, int64_t row) const {
        typedef typename Lanes<T>::V V;
        const Columns &one = columns_[static_cast<size_t>(vector)],
                      &two = columns_[static_cast<size_t>(vector + vectors_)];
        const auto read = [&](const Columns& columns, int64_t c) {
            V v{};
            const T* from = weight + (c * out_ + columns.channel) * kernel + columns.element;
            for (int64_t j = 0; c < in_ && j < columns.count; ++j) v[j] = from[j * kernel];
            return v;
        };
        for (int64_t c = 0; c < half_; ++c, to += row) {
            const V a = read(one, c), b = read(two, c);
            const V d = read(one, half_ + c), e = read(two, half_ + c);
            const V sides[products] = {a + e, a, b - e, a + b, d - a, e, d + e};
            for (int p = 0; p < products; ++p) store<T>(to + p * half_ * row, sides[p]);
        }
    }

    Cut cut(const Shape& shape, int threads) const {
        Cut t;
        t.range = range_of(layer_, axes_, shape);
        t.plain = t.range.inside && out_ % lanes == 0 && layer_.activation <= Activation::relu;
        t.nontemporal = false;
        t.positions = shape.batch * t.range.count[0] * t.range.count[1] * t.range.count[2];
        t.pairs = ceil_div(t.positions, 2);
        t.tiles = ceil_div(t.pairs, tile_rows);
        const int64_t fits = sides_bytes / (products * pitch_ * int64_t(sizeof(T)));
        const bool far = layer_.groups * group_weights_ * int64_t(sizeof(T)) > close_weights;
        const int64_t most = min(fits, far ? most_far_pairs : most_pairs);
        t.blocks = ceil_div(t.tiles, max(most / tile_rows, 1));
        const int64_t wanted = tasks_per_thread * threads;
        const int64_t fair = ceil_div(t.blocks * layer_.groups, wanted);
        t.tasks = ceil_div(t.blocks, max(min(fair, most_blocks), 1));
        const int64_t columns = ceil_div(vectors_, tile_columns);
        t.splits = min(columns, ceil_div(wanted, max(t.tasks * layer_.groups, 1)));
        if (threads == 1) t.splits = 1;
        return t;
    }

    void run_blocks(const Shape& shape, const Cut& t, int64_t group, int64_t first_block,
                    int64_t end_block, int64_t first, int64_t end, const T* x, T* y,
                    Patches& again) const {
        thread_local Buffer<T> sides;
        thread_local Buffer<Place> places;
        std::vector<Patch> found;
        x += group * in_;
        for (int64_t b = first_block; b < end_block; ++b) {
            const int64_t low = t.tiles * b / t.blocks * tile_rows;
            const int64_t high = min(t.tiles * (b + 1) / t.blocks * tile_rows, t.pairs);
            const int64_t pairs = high - low, step = pairs * pitch_;
            Place* const place = places.grow(2 * pairs);
            find(shape, t, 2 * low, 2 * pairs, place);
            T* const to = sides.grow(products * step);
            for (int64_t i = 0; i < pairs; ++i) {
                const Place *const one = place + 2 * i, *const two = one + 1;
                if (ordinary<T>(add_up(x + one->read, x + two->read, to + i * pitch_, step))) continue;
                found.push_back(patch_of(*one, shape, group));
                if (2 * (low + i) + 1 < t.positions) found.push_back(patch_of(*two, shape, group));
            }
            Block block{place, pairs, group, to, y + group * out_,
                        t.plain && 2 * high <= t.positions, x, x};
            if (b + 1 < end_block) {
                block.ahead = x + place[2 * pairs - 1].read;
                block.ahead_end = block.ahead + 2 * pairs * layer_.in_channels;
            }
            for (int64_t v = first; v < end; v += tile_columns) multiply(shape, t, block, v);
        }
        if (t.nontemporal) fence();
        again.add(found);
    }

    Patch patch_of(const Place& place, const Shape& shape, int64_t group) const {
        Patch patch{place.image, group, {}, {1, 1, 1}};
        for (int a = 0; a < 3; ++a)
            patch.first[a] = floor_div(place.output[a] + shape.crop[a], layer_.axes[a].stride);
        return patch;
    }

    // Neighbouring positions from `first` on. Beyond the last: that one, with no output.
    void find(const Shape& shape, const Cut& t, int64_t first, int64_t count, Place* to) const {
        int64_t n = first, at[3], read[3], write[3];
        for (int a = 2; a >= 0; --a) {
            at[a] = n % t.range.count[a];
            n /= t.range.count[a];
            read[a] = a == 2 ? layer_.in_channels : read[a + 1] * shape.input[a + 1];
            write[a] = a == 2 ? layer_.out_channels : write[a + 1] * shape.output[a + 1];
        }
        for (int64_t i = 0; i < count; ++i, ++to) {
            if (first + i >= t.positions) {
                *to = to[-1];
                to->output[0] = shape.output[0];
                continue;
            }
            to->image = n;
            to->read = n * read[0] * shape.input[0];
            to->write = n * write[0] * shape.output[0];
            for (int a = 0; a < 3; ++a) {
                const int64_t q = t.range.first[a] + at[a];
                to->output[a] = q * layer_.axes[a].stride - shape.crop[a];
                to->read += q * read[a];
                to->write += to->output[a] * write[a];
            }
            int a = 2;
            while (a >= 0 && ++at[a] == t.range.count[a]) at[a--] = 0;
            if (a < 0) ++n;
        }
    }

    // The left sides of the products of two positions, `step` apart. Returns the sum of the squares
    // of their channels.
    typename Lanes<T>::V add_up(const T* one, const T* two, T* to, int64_t step) const {
        typedef typename Lanes<T>::V V;
        V squares{};
        const auto put = [=, &squares](int64_t c, V a, V b, V d, V e) TCONV_INLINED {
            squares += (a * a + b * b) + (d * d + e * e);
            const V sums[products] = {a + e, d + e, a, d - a, e, a + b, b - e};
#pragma GCC unroll 7
            for (int p = 0; p < products; ++p) store<T>(to + c + p * step, sums[p]);
        };
        const int64_t rest = in_ - half_;  // channels of the second half
        int64_t c = 0;
        for (; c + lanes <= rest; c += lanes)
            put(c, load<T>(one + c), load<T>(one + half_ + c), load<T>(two + c),
                load<T>(two + half_ + c));
        const auto last = [c](const T* from, int64_t end) {
            return end - c < lanes ? load_first<T>(from + c, end - c) : load<T>(from + c);
        };
        if (c < half_)
            put(c, last(one, half_), last(one + half_, rest), last(two, half_),
                last(two + half_, rest));
        return squares;
    }

    void multiply(const Shape& shape, const Cut& t, Block& block, int64_t vector) const {
        thread_local Buffer<T> places;
        const int64_t pairs = block.pairs, tiles = ceil_div(pairs, tile_rows);
        const int64_t vectors = min(tile_columns, vectors_ - vector), width = vectors * lanes;
        T* const sums = places.grow(4 * pairs * width);
        const T* w = packed_.data() + block.group * group_weights_ +
                     products * half_ * vector * lanes;
        const T* sides = block.sides;
        for (const Step& step : steps) {
            T* const to = sums + step.place * pairs * width;
            for (int64_t i = 0; i < tiles; ++i) {
                const int64_t first = pairs * i / tiles, rows = pairs * (i + 1) / tiles - first;
                const T* next = w + half_ * width + i % vectors * half_ * lanes;
                if (i + 1 == tiles && block.ahead < block.ahead_end) {
                    next = block.ahead;
                    block.ahead += half_ * (64 / int64_t(sizeof(T)));
                }
                const TileProduct<T> product{half_, kc_, sides + first * pitch_, pitch_, w,
                                             next, to + first * width, width, false};
                if (vectors == 1)
                    tile_product<T, 1>(product, rows);
                else
                    tile_product<T, tile_columns>(product, rows);
                if (step.writes)
                    write(shape, t, block, step, vector + step.half * vectors_, vectors, first,
                          rows, sums + first * width);
            }
            sides += pairs * pitch_;
            w += half_ * width;
        }
    }

    // Some columns of one position of every pair from `first` on.
    void write(const Shape& shape, const Cut& t, const Block& block, const Step& step,
               int64_t vector, int64_t vectors, int64_t first, int64_t rows, const T* from) const {
        typedef typename Lanes<T>::V V;
        const int64_t apart = block.pairs * vectors * lanes;
        const Place* const place = block.place + 2 * first + step.position;
        const Columns* const columns = columns_.data() + vector;
        const T* const start = start_.data() + (block.group * 2 * vectors_ + vector) * lanes;
        T* to[tile_columns];
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
            for (int n = 0; n < N; ++n) bias[n] = load<T>(start + n * lanes);
            if (step.other) {
                const T* c = from + step.other * apart;
                for (int64_t m = 0; m < rows; ++m, b += row, c += row)
                    each<N>([&](auto n) TCONV_INLINED {
                        constexpr int64_t at = n * lanes;
                        put(place[2 * m], n, load<T>(b + at) + load<T>(c + at) + bias[n]);
                    });
            } else {
                const T *c = b + apart, *d = c + apart;
                for (int64_t m = 0; m < rows; ++m, a += row, b += row, c += row, d += row)
                    each<N>([&](auto n) TCONV_INLINED {
                        constexpr int64_t at = n * lanes;
                        put(place[2 * m], n,
                            (load<T>(a + at) - load<T>(b + at)) +
                                (load<T>(c + at) + load<T>(d + at)) + bias[n]);
                    });
            }
        };
        const auto each_output = [&](const auto& put) TCONV_INLINED {
            if (vectors == 1)
                each_of(std::integral_constant<int, 1>(), put);
            else
                each_of(std::integral_constant<int, tile_columns>(), put);
        };
        const bool relu = layer_.activation == Activation::relu;
        const V least = broadcast<T>(relu ? T(0) : -std::numeric_limits<T>::infinity());
        if (!block.plain || columns[vectors - 1].count < lanes)  // the very last may be none
            each_output([&](const Place& at, int n, V v) {
                for (int a = 0; a < 3; ++a) {
                    const int64_t o = at.output[a] + columns[n].phase[a];
                    if (o < 0 || o >= shape.output[a]) return;
                }
                activate<T>(layer_.activation, layer_.alpha, v);
                store_some<1>(to[n] + at.write, &v, columns[n].count);
            });
        else if (t.nontemporal)
            each_output([&](const Place& at, int n, V v) TCONV_INLINED {
                store_nontemporal<T>(to[n] + at.write, v < least ? least : v);
            });
        else
            each_output([&](const Place& at, int n, V v) TCONV_INLINED {
                store<T>(to[n] + at.write, v < least ? least : v);
            });
    }

    int64_t half_, pitch_, kc_;   // channels of a half, from pair to pair, in a chain
    int64_t vectors_, group_weights_;  // of a half of the columns
    std::vector<Columns> columns_;     // of both halves
    Buffer<T> packed_, start_;
};

}  // namespace tconv::TCONV_TARGET
