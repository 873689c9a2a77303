// Few channels a group: lanes lie along a row of the output, whose cells s·q, ..., s·q + s-1 stand
// in s vectors of positions q until they are interleaved and stored. The input is read where it
// lies, except near its borders, where rows are copied between zeros.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "epilogue.hpp"
#include "heuristics/costs.hpp"
#include "problem/rows.hpp"
#include "problem/phases.hpp"

namespace tconv::TCONV_TARGET::streamed {

constexpr int most_phases = 8;  // of a row, in registers; more are taken by turns
constexpr int most_rows = 4;    // rows of the output that are computed at once
constexpr int sums_at_once = TCONV_VECTOR_BYTES == 64 ? 18 : 10;  // that the registers hold
constexpr int64_t tile_bytes = 64 << 10;          // of the input that a tile reads
constexpr int64_t widest_row = 4096;              // positions of a tile
constexpr int64_t tallest_tile = 256;             // rows of the output
constexpr int64_t most_arranged_bytes = 1 << 20;  // weights of the output rows computed at once
constexpr double task_operations = 100000;        // of a piece worth handing to a thread

// Fits, in the unit of cost.hpp, to layers of one to sixteen channels a group.
constexpr double products_load = 0.75;    // of a vector of cells, where one row uses it
constexpr double piece_operations = 2;   // of storing a vector by pieces
constexpr double group_operations = 45;  // of a group's input channel
constexpr int64_t most_channels = 128;   // in times out: with more, the input comes too often

// Whether so many rows are computed at once, and how many vectors of each.
constexpr bool fits(int phases, int rows) {
    if (rows == 1 || rows * phases > sums_at_once) return rows == 1;
    return phases <= 4 ? rows == phases || (phases == 1 && rows != 3) : rows == 2;
}
constexpr int vectors_at_once(int phases, int rows) {
    return rows * phases * 2 > sums_at_once ? 1 : std::min(4, sums_at_once / (rows * phases));
}

// A row of the input, and the weights by which it enters each output row: where they begin, or
// less than zero where it does not enter.
struct Line {
    int64_t x;
    int64_t w[most_rows];
    bool whole;  // it enters all of them
};

// Output rows that are computed at once.
struct Rows {
    int64_t first_line, lines, count, z, y;
};

// What all the columns of a block of output rows share.
template <class T>
struct Block {
    const Line* line;
    int64_t lines, channels;
    const T* x;
    const T* w;
    int64_t plane, weights;  // from a channel to the next: cells of the input, weights
    const int64_t* at;       // of each weight of a line, the cell it multiplies
    const int64_t* first;    // of each phase, its first weight
    T* to[most_rows];
    T start[most_rows];
    int64_t length, stride;  // of an output row
    int64_t phase, phases;   // the first phase, and how many there are
    int64_t taps;            // the most that a phase has in a line
    Activation activation;
    double alpha;
    bool nontemporal;
};

template <class T, int S, int R, int N>
using Sums = typename Lanes<T>::V[R][S][N];

template <int S, int R, int N, class F>
TCONV_INLINE void each_sum(const F& f) {
    each<R>([&](auto r) TCONV_INLINED {
        each<S>([&](auto s) TCONV_INLINED {
            each<N>([&](auto n) TCONV_INLINED { f(r, s, n); });
        });
    });
}

// Adds a line to `count` of the rows, the first of them known to the compiler.
template <int first, int count, class T, int S, int R, int N>
TCONV_INLINE void add_line(const Block<T>& b, const T* x, const T* w, const int64_t* places,
                           Sums<T, S, R, N>& sum) {
    typedef typename Lanes<T>::V V;
    const T* of[count];
    each<count>([&](auto r) TCONV_INLINED { of[r] = w + places[first + r]; });
    each<S>([&](auto s) TCONV_INLINED {
        for (int64_t e = b.first[s]; e < b.first[s + 1]; ++e) {
            const T* const cell = x + b.at[e];
            V v[N];
            each<N>([&](auto n) TCONV_INLINED { v[n] = load<T>(cell + n * Lanes<T>::count); });
            each<count>([&](auto r) TCONV_INLINED {
                const V k = broadcast<T>(of[r][e]);
                each<N>([&](auto n) TCONV_INLINED { sum[first + r][s][n] += k * v[n]; });
            });
        }
    });
}

template <class T, int S, int R, int N>
TCONV_INLINE void sum_lines(const Block<T>& b, int64_t column, Sums<T, S, R, N>& sum) {
    typedef typename Lanes<T>::V V;
    Sums<T, S, R, N> before;
    bool is_cut = false;
    int64_t room = kc;
    each_sum<S, R, N>([&](auto r, auto s, auto n)
                          TCONV_INLINED { sum[r][s][n] = broadcast<T>(b.start[r]); });
    for (int64_t c = 0; c < b.channels; ++c)
        for (int64_t i = 0; i < b.lines; ++i) {
            if (room < b.taps) {
                each_sum<S, R, N>([&](auto r, auto s, auto n) TCONV_INLINED {
                    before[r][s][n] = is_cut ? before[r][s][n] + sum[r][s][n] : sum[r][s][n];
                    sum[r][s][n] = V{};
                });
                is_cut = true;
                room = kc;
            }
            room -= b.taps;
            const Line& line = b.line[i];
            const T* const x = b.x + line.x + c * b.plane + column;
            const T* const w = b.w + c * b.weights;
            if (R == 1 || line.whole) {
                add_line<0, R>(b, x, w, line.w, sum);
                continue;
            }
            each<R>([&](auto r) TCONV_INLINED {
                if (line.w[r] >= 0) add_line<r, 1>(b, x, w, line.w, sum);
            });
        }
    if (is_cut)
        each_sum<S, R, N>(
            [&](auto r, auto s, auto n) TCONV_INLINED { sum[r][s][n] += before[r][s][n]; });
}

// Where a row ends inside the vectors, or its phases are not as many as they.
template <class T, int S>
__attribute__((noinline)) void place_some(const Block<T>& b, T* to, int64_t at, const T* cell) {
    constexpr int64_t lanes = Lanes<T>::count;
    if (b.stride == S) {
        const int64_t count = min(b.length - at, S * lanes);
        for (int64_t i = 0; i < count; ++i) to[i] = cell[i];
        return;
    }
    for (int64_t i = 0; i < lanes; ++i) {
        T* const piece = to + i * b.stride + b.phase;
        const int64_t count = min(b.phases, b.length - (at + i * b.stride + b.phase));
        if (count >= S)
            for (int s = 0; s < S; ++s) piece[s] = cell[i * S + s];
        else
            for (int s = 0; s < S; ++s)
                if (s < count) piece[s] = cell[i * S + s];
    }
}

// The interleaved phases of a vector of positions to their place in an output row.
template <class T, int S>
TCONV_INLINE void place(const Block<T>& b, T* row, int64_t position,
                        const typename Lanes<T>::V (&v)[S]) {
    constexpr int64_t lanes = Lanes<T>::count;
    const int64_t at = position * b.stride;
    T* const to = row + at;
    if (b.stride == S && at + S * lanes <= b.length) {
        if (b.nontemporal && aligned(to))
            each<S>([&](auto s) TCONV_INLINED { store_nontemporal<T>(to + s * lanes, v[s]); });
        else
            each<S>([&](auto s) TCONV_INLINED { store<T>(to + s * lanes, v[s]); });
        return;
    }
    T cell[S * lanes];
    each<S>([&](auto s) TCONV_INLINED { store<T>(cell + s * lanes, v[s]); });
    place_some<T, S>(b, to, at, cell);
}

template <class T, int S>
__attribute__((noinline)) void activate_all(Activation activation, double alpha,
                                            typename Lanes<T>::V* v) {
    for (int s = 0; s < S; ++s) activate<T>(activation, alpha, v[s]);
}

template <class T, int S, int R, int N>
void compute(const Block<T>& b, int64_t column, int64_t position) {
    constexpr int64_t lanes = Lanes<T>::count;
    Sums<T, S, R, N> sum;
    sum_lines<T, S, R, N>(b, column, sum);
    each<R>([&](auto r) TCONV_INLINED {
        each<N>([&](auto n) TCONV_INLINED {
            typename Lanes<T>::V v[S];
            each<S>([&](auto s) TCONV_INLINED { v[s] = sum[r][s][n]; });
            if (b.activation != Activation::none) {
                typename Lanes<T>::V u[S];
                each<S>([&](auto s) TCONV_INLINED { u[s] = v[s]; });
                activate_all<T, S>(b.activation, b.alpha, u);
                each<S>([&](auto s) TCONV_INLINED { v[s] = u[s]; });
            }
            interleave<T, S>(v);
            place<T, S>(b, b.to[r], position + n * lanes, v);
        });
    });
}

// Positions [first, end), whose cells of the input begin where the lines do.
template <class T, int S, int R>
void compute_columns(const Block<T>& b, int64_t first, int64_t end) {
    constexpr int64_t lanes = Lanes<T>::count;
    constexpr int N = vectors_at_once(S, R);
    int64_t q = first;
    for (; q + (N - 1) * lanes < end; q += N * lanes) compute<T, S, R, N>(b, q - first, q);
    if constexpr (N > 1)
        for (; q < end; q += lanes) compute<T, S, R, 1>(b, q - first, q);
}

template <class T>
class Streaming final : public Packed<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

    typedef void (*Columns)(const Block<T>&, int64_t, int64_t);

    struct Entry {
        int64_t phase, at, kernel;
    };

    // A call: which cells of a row enter which phases, and how the output is cut.
    struct Course {
        std::vector<int64_t> kernels, at;    // of the weights of a line, phase by phase
        std::vector<int64_t> first;          // of each phase
        int64_t low, reach;                  // from position to first cell, from there to the last
        int64_t size[3], tile[3], tiles[3];  // of the output: planes, rows, positions
        bool by_channel;                     // the rows computed at once are of several channels
        bool nontemporal;
    };

    // Columns of a tile that are computed alike, and where the cells they read lie.
    struct Part {
        int64_t tile = -1, left = 0, right = 0;
        bool direct = false;
        int64_t low[2], held[2];       // rows of the input
        int64_t height, pitch, plane;  // of what is read: rows, cells of a row, of a channel
        std::vector<Line> lines;
        std::vector<Rows> rows;
    };

    // A thread's buffers, and what they hold.
    struct Work {
        Buffer<T> panel, weights;
        Part parts[3];
        int64_t group, channel;
    };

  public:
    static const char* refusal(const Layer& layer) {
        if (layer.layout != Layout::channels_first)
            return "its lanes lie along positions, channels first";
        const Streaming plain(layer, nullptr, nullptr);
        if (plain.taps() > kc) return "a phase has too many taps in a row of the kernel";
        if (plain.arranged_bytes() > most_arranged_bytes)
            return "the weights of one output channel are too many";
        return nullptr;
    }

    static Cost cost(const Layer& layer, const Shape& shape, int) {
        return Streaming(layer, nullptr, nullptr).cost(shape);
    }

    Streaming(const Layer& layer, const T* weight, const T* bias)
        : layer_(layer), weight_(weight), bias_(bias) {
        in_ = layer.in_channels / layer.groups;
        out_ = layer.out_channels / layer.groups;
        phases_ = static_cast<int>(min(layer.axes[2].stride, most_phases));
        if (phases_ == 5 || phases_ == 7) ++phases_;
        most_ = most_rows;
        while (!columns(most_)) --most_;
    }

    void run(const Shape& shape, const T* x, T* y, int, const Parallel& parallel) const override {
        const Course course = plan(shape);
        const int64_t tiles = course.tiles[0] * course.tiles[1] * course.tiles[2];
        const int64_t items = tiles * shape.batch * layer_.groups;
        if (items == 0) return;
        const int64_t tasks = min(cost(shape).tasks, items);
        parallel(tasks, [&](int64_t task) {
            thread_local Work own;
            own.group = -1;
            for (Part& part : own.parts) part.tile = -1;
            for (int64_t i = items * task / tasks; i < items * (task + 1) / tasks; ++i)
                run_tile(shape, course, i / tiles / shape.batch, i / tiles % shape.batch, i % tiles,
                         x, y, own);
            if (course.nontemporal) fence();
        });
    }

  private:
    // What this costs: products over whole vectors of positions; cells loaded for each of them, but
    // for rows computed at once; pieces stored where a row's phases are not as many as they.
    Cost cost(const Shape& shape) const {
        Cost c;
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        const Axis* axes = layer_.axes;
        const double groups = number(layer_.groups * shape.batch);
        const double rows = groups * number(out_ * shape.output[0] * shape.output[1]);
        const double vectors = number(ceil_div(ceil_div(shape.output[2], axes[2].stride), lanes));
        const double lines = number(axes[0].kernel * axes[1].kernel * in_) /
                             number(axes[0].stride * axes[1].stride);
        c.products = rows * vectors * lines * number(axes[2].kernel);
        c.others = products_load * c.products / shared(shape) +
                   group_operations * groups * number(in_);
        if (axes[2].stride != phases_)
            c.others += piece_operations * rows * vectors * number(axes[2].stride);
        if (in_ * out_ > most_channels) c.products *= 2;
        c.bytes = (groups * number(in_ * shape.input[0] * shape.input[1] * shape.input[2]) +
                   rows * number(shape.output[2])) * sizeof(T);
        c.tasks = static_cast<int64_t>((c.products + c.others) / task_operations) + 1;
        return c;
    }

    // How many rows use a cell that is loaded, in the mean.
    double shared(const Shape& shape) const {
        const Axis& axis = layer_.axes[1];
        int64_t rows = shape.output[1] == 1 ? min(out_, most_)
                       : axis.stride == 1   ? most_
                                            : min(axis.stride, most_);
        while (!columns(rows)) --rows;
        if (shape.output[1] == 1 || axis.stride > 1) return static_cast<double>(rows);
        const double whole = static_cast<double>(max(0, axis.kernel - rows + 1));
        return 1 + static_cast<double>(rows - 1) * whole / static_cast<double>(axis.kernel);
    }

    double arranged_bytes() const {
        const Axis* axes = layer_.axes;
        return static_cast<double>(in_ * axes[0].kernel * axes[1].kernel * axes[2].kernel) *
               most_rows * sizeof(T);
    }

    // The most that a phase has in a row of the kernel.
    int64_t taps() const {
        const Axis& axis = layer_.axes[2];
        return ceil_div(axis.kernel, axis.stride / std::gcd(axis.stride, axis.dilation));
    }

    Course plan(const Shape& shape) const {
        Course c;
        plan_row(shape, c);
        const Axis* axes = layer_.axes;
        c.size[0] = shape.output[0];
        c.size[1] = shape.output[1];
        c.size[2] = ceil_div(shape.output[2], axes[2].stride);
        c.by_channel = shape.output[1] == 1;
        c.tile[2] = min(c.size[2], widest_row);
        const int64_t row = in_ * (c.tile[2] + c.reach) * int64_t(sizeof(T));
        const int64_t held = max(1, tile_bytes / row);
        c.tile[1] = min(c.size[1], min(max(4, held) * axes[1].stride, tallest_tile));
        const int64_t planes = held / max(1, min(shape.input[1], held));
        c.tile[0] = min(c.size[0], c.tile[1] < c.size[1] ? 1 : max(1, planes) * axes[0].stride);
        for (int a = 0; a < 3; ++a) c.tiles[a] = c.size[a] ? ceil_div(c.size[a], c.tile[a]) : 0;
        const double cells = static_cast<double>(shape.batch * layer_.out_channels) *
                             static_cast<double>(c.size[0] * c.size[1] * shape.output[2]);
        c.nontemporal = cells * sizeof(T) >= double(nontemporal_bytes);
        return c;
    }

    // Cell s·q + p of a row reads x[q + at] by kernel element k: s·(q + at) + k·d = s·q + p + crop.
    void plan_row(const Shape& shape, Course& c) const {
        const Axis& axis = layer_.axes[2];
        std::vector<Entry> entries(static_cast<size_t>(axis.kernel));
        int64_t high = 0;
        for (int64_t k = 0; k < axis.kernel; ++k) {
            const int64_t u = k * axis.dilation - shape.crop[2];
            const int64_t at = -floor_div(u, axis.stride);
            entries[static_cast<size_t>(k)] = {u + at * axis.stride, at, k};
            c.low = k ? min(c.low, at) : at;
            high = k ? max(high, at) : at;
        }
        c.reach = high - c.low;
        std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
            return a.phase != b.phase ? a.phase < b.phase : a.kernel < b.kernel;
        });
        for (const Entry& entry : entries) {
            while (count(c.first) <= entry.phase) c.first.push_back(count(c.at));
            c.at.push_back(entry.at - c.low);
            c.kernels.push_back(entry.kernel);
        }
        const int64_t all = ceil_div(axis.stride, most_phases) * most_phases;
        while (count(c.first) <= all) c.first.push_back(count(c.at));
    }

    static int64_t count(const std::vector<int64_t>& v) { return static_cast<int64_t>(v.size()); }

    void run_tile(const Shape& shape, const Course& c, int64_t group, int64_t image, int64_t tile,
                  const T* x, T* y, Work& work) const {
        const int64_t left = tile % c.tiles[2] * c.tile[2];
        const int64_t right = min(left + c.tile[2], c.size[2]);
        const int64_t outputs = shape.output[0] * shape.output[1] * shape.output[2];
        x += (image * layer_.in_channels + group * in_) * shape.input[0] * shape.input[1] *
             shape.input[2];
        y += (image * layer_.out_channels + group * out_) * outputs;
        // positions all of whose cells lie in the input, in whole steps
        int64_t inner = max(left, -c.low);
        if (c.nontemporal)
            for (int64_t i = 0; i < lanes && !aligned(y + inner * layer_.axes[2].stride); ++i)
                ++inner;
        const int64_t step = 4 * lanes;
        const int64_t room = min(right, shape.input[2] - c.low - c.reach) - inner;
        const int64_t outer = inner + room / step * step;
        const auto run = [&](Part& part, int64_t from, int64_t to, bool direct) {
            if (from >= to) return;
            if (part.tile != tile || part.left != from || part.right != to || part.direct != direct)
                prepare(shape, c, tile, from, to, direct, part);
            run_part(shape, c, group, part, x, y, work);
        };
        if (room < 2 * step) {
            run(work.parts[0], left, right, false);
            return;
        }
        run(work.parts[0], left, inner, false);
        run(work.parts[1], inner, outer, true);
        run(work.parts[2], outer, right, false);
    }

    // Rows of the input that output rows [first, end) read.
    void sources(const Shape& shape, int a, int64_t first, int64_t end, int64_t* low,
                 int64_t* held) const {
        const Axis& axis = layer_.axes[a];
        const int64_t span = (axis.kernel - 1) * axis.dilation;
        *low = max(0, -floor_div(span - first - shape.crop[a], axis.stride));
        const int64_t last = floor_div(end - 1 + shape.crop[a], axis.stride);
        *held = max(0, min(shape.input[a] - 1, last) - *low + 1);
    }

    // The kernel element by which input row i enters output row o, or -1.
    int64_t element(const Shape& shape, int a, int64_t o, int64_t i) const {
        const Axis& axis = layer_.axes[a];
        const int64_t u = o + shape.crop[a] - i * axis.stride;
        if (u < 0 || u > (axis.kernel - 1) * axis.dilation) return -1;
        if (axis.dilation == 1) return u;
        return u % axis.dilation ? -1 : u / axis.dilation;
    }

    // Which rows are computed at once, and by which lines.
    void prepare(const Shape& shape, const Course& c, int64_t tile, int64_t left, int64_t right,
                 bool direct, Part& part) const {
        part.tile = tile;
        part.left = left;
        part.right = right;
        part.direct = direct;
        part.height = shape.input[1];
        part.pitch = shape.input[2];
        int64_t first[2], end[2];
        tile /= c.tiles[2];
        for (int a = 1; a >= 0; --a) {
            first[a] = tile % c.tiles[a] * c.tile[a];
            end[a] = min(first[a] + c.tile[a], c.size[a]);
            tile /= c.tiles[a];
            sources(shape, a, first[a], end[a], &part.low[a], &part.held[a]);
        }
        if (direct) {
            part.plane = shape.input[0] * part.height * part.pitch;
        } else {
            part.height = part.held[1];
            part.pitch = ceil_div(right - left, lanes) * lanes + c.reach;
            part.plane = part.held[0] * part.height * part.pitch;
        }
        part.lines.clear();
        part.rows.clear();
        const Axis& axis = layer_.axes[1];
        for (int64_t z = first[0]; z < end[0]; ++z) {
            if (c.by_channel) {
                add_rows(shape, z, 0, min(out_, most_), part);
                continue;
            }
            for (int64_t y = first[1]; y < end[1];) {
                // rows at one position read the same lines
                int64_t several = end[1] - y;
                if (axis.stride > 1) {
                    const int64_t u = y + shape.crop[1];
                    several = min(several, (floor_div(u, axis.stride) + 1) * axis.stride - u);
                }
                several = min(several, most_);
                while (!columns(several)) --several;
                add_rows(shape, z, y, several, part);
                y += several;
            }
        }
    }

    void add_rows(const Shape& shape, int64_t z, int64_t y, int64_t several, Part& part) const {
        const Axis* axes = layer_.axes;
        const bool by_channel = shape.output[1] == 1;
        const int64_t from_z = part.direct ? 0 : part.low[0];
        const int64_t from_y = part.direct ? 0 : part.low[1];
        int64_t low[2], held[2];
        sources(shape, 0, z, z + 1, &low[0], &held[0]);
        sources(shape, 1, y, by_channel ? y + 1 : y + several, &low[1], &held[1]);
        Rows rows{static_cast<int64_t>(part.lines.size()), 0, several, z, y};
        for (int64_t iz = low[0]; iz < low[0] + held[0]; ++iz) {
            const int64_t kz = element(shape, 0, z, iz);
            if (kz < 0) continue;
            for (int64_t iy = low[1]; iy < low[1] + held[1]; ++iy) {
                Line line{((iz - from_z) * part.height + iy - from_y) * part.pitch, {}, true};
                bool any = false;
                for (int64_t i = 0; i < several; ++i) {
                    const int64_t k = element(shape, 1, by_channel ? y : y + i, iy);
                    const int64_t row = kz * axes[1].kernel + k;
                    line.w[i] = k < 0 ? -1
                                      : (row + (by_channel ? i * in_ * axes[0].kernel *
                                                                 axes[1].kernel
                                                           : 0)) * axes[2].kernel;
                    any = any || k >= 0;
                    line.whole = line.whole && k >= 0;
                }
                if (any) part.lines.push_back(line);
            }
        }
        rows.lines = static_cast<int64_t>(part.lines.size()) - rows.first_line;
        part.rows.push_back(rows);
    }

    void run_part(const Shape& shape, const Course& c, int64_t group, const Part& part, const T* x,
                  T* y, Work& work) const {
        const int64_t outputs = shape.output[0] * shape.output[1] * shape.output[2];
        Block<T> b;
        b.channels = in_;
        b.x = part.direct ? x + part.left + c.low : fill(shape, c, part, x, work);
        b.plane = part.plane;
        b.weights = layer_.axes[0].kernel * layer_.axes[1].kernel * layer_.axes[2].kernel;
        b.at = c.at.data();
        b.length = shape.output[2];
        b.stride = layer_.axes[2].stride;
        b.taps = taps();
        b.activation = layer_.activation;
        b.alpha = layer_.alpha;
        b.nontemporal = c.nontemporal;
        const int64_t together = c.by_channel ? min(out_, most_) : 1;
        for (int64_t channel = 0, channels = 0; channel < out_; channel += channels) {
            channels = min(together, out_ - channel);
            while (!columns(channels)) --channels;
            b.w = arrange(c, group, channel, channels, work);
            for (const Rows& rows : part.rows) {
                b.line = part.lines.data() + rows.first_line;
                b.lines = rows.lines;
                const int64_t several = c.by_channel ? channels : rows.count;
                const int64_t row = rows.z * shape.output[1] + rows.y;
                T* const to = y + channel * outputs + row * b.length;
                const int64_t step = c.by_channel ? outputs : b.length;
                for (int64_t i = 0; i < several; ++i) {
                    const int64_t of = group * out_ + channel + (c.by_channel ? i : 0);
                    b.to[i] = to + i * step;
                    b.start[i] = bias_ ? bias_[of] : T(0);
                }
                for (b.phase = 0; b.phase < b.stride; b.phase += most_phases) {
                    b.first = c.first.data() + b.phase;
                    b.phases = min(most_phases, b.stride - b.phase);
                    columns(several)(b, part.left, part.right);
                }
            }
        }
    }

    // What computes so many rows at once, or null.
    Columns columns(int64_t rows) const {
        switch (phases_) {
            case 1: return columns<1>(rows);
            case 2: return columns<2>(rows);
            case 3: return columns<3>(rows);
            case 4: return columns<4>(rows);
            case 6: return columns<6>(rows);
            default: return columns<8>(rows);
        }
    }

    template <int S>
    static Columns columns(int64_t rows) {
        if constexpr (fits(S, 4))
            if (rows == 4) return compute_columns<T, S, 4>;
        if constexpr (fits(S, 3))
            if (rows == 3) return compute_columns<T, S, 3>;
        if constexpr (fits(S, 2))
            if (rows == 2) return compute_columns<T, S, 2>;
        return rows == 1 ? compute_columns<T, S, 1> : nullptr;
    }

    // Rows of the input, from the first cell that the part's first position reads.
    const T* fill(const Shape& shape, const Course& c, const Part& part, const T* x,
                  Work& work) const {
        T* to = work.panel.grow(in_ * part.plane + 4 * lanes);
        const T* const panel = to;
        const int64_t from = part.left + c.low, pitch = part.pitch;
        const int64_t before = min(max(-from, 0), pitch);
        const int64_t held = max(min(shape.input[2] - from, pitch) - before, 0);
        for (int64_t channel = 0; channel < in_; ++channel)
            for (int64_t z = 0; z < part.held[0]; ++z) {
                const T* row = x + ((channel * shape.input[0] + part.low[0] + z) * shape.input[1] +
                                    part.low[1]) * shape.input[2] + from;
                for (int64_t r = 0; r < part.held[1]; ++r, to += pitch, row += shape.input[2]) {
                    for (int64_t i = 0; i < before; ++i) to[i] = T(0);
                    int64_t i = before;
                    for (; i + lanes <= before + held; i += lanes)
                        store<T>(to + i, load<T>(row + i));
                    for (; i < before + held; ++i) to[i] = row[i];
                    for (; i < pitch; ++i) to[i] = T(0);
                }
            }
        return panel;
    }

    // Weights as the sums take them: [output channel][input channel][kernel row][phase, tap].
    const T* arrange(const Course& c, int64_t group, int64_t channel, int64_t channels,
                     Work& work) const {
        const Axis* axes = layer_.axes;
        const int64_t rows = axes[0].kernel * axes[1].kernel, cells = axes[2].kernel;
        T* to = work.weights.grow(most_rows * in_ * rows * cells);
        const T* const all = to;
        if (work.group == group && work.channel == channel) return all;
        work.group = group;
        work.channel = channel;
        const int64_t* const kernels = c.kernels.data();
        for (int64_t o = channel; o < channel + channels; ++o)
            for (int64_t i = 0; i < in_; ++i) {
                const T* from = weight_ + ((group * in_ + i) * out_ + o) * rows * cells;
                for (int64_t k = 0; k < rows; ++k, to += cells, from += cells)
                    for (int64_t e = 0; e < cells; ++e) to[e] = from[kernels[e]];
            }
        return all;
    }

    Layer layer_;
    const T* weight_;
    const T* bias_;
    int64_t in_, out_;
    int phases_;
    int64_t most_;  // rows of the output computed at once
};

}  // namespace tconv::TCONV_TARGET::streamed

namespace tconv::TCONV_TARGET {
using streamed::Streaming;
}
