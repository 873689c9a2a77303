// The rows of the phase product: phases of shares, times output channels. Those computed at once make
// a stack, which holds their weights; those written together make a block.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "gemm/mixed_taps.hpp"
#include "problem/parts.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t waiting_rows = 24;  // of products, before they are written

// Rows with the same taps: some phases of the first two axes, counted within their shares, and those
// of a share of the last.
struct Strand {
    const AxisGroup *z, *y, *x;
    int64_t phase, phases;
};

// Rows that are computed at once, of neighbouring strands.
template <class T>
struct Stack {
    const Kernel<T>* kernel;
    int64_t row;              // the first, in a block
    int64_t tap;              // where its taps begin
    int64_t runs[most_runs];  // taps of each
    int64_t taps;             // of all runs
    int64_t weights;          // where they begin, in a group
};

// Strands of some output channels: they are written together.
struct Block {
    int64_t channel, channels;
    int64_t strand, strands, stack, stacks, line, lines;  // the first, and how many
    int64_t row, rows;                                    // in a group
};

// Rows of one output channel that are interleaved: one phase of the first two axes.
struct Line {
    int64_t z, y, channel;
};

template <class T>
class Stacks : protected Parts<T> {
  protected:
    using Parts<T>::layer_, Parts<T>::in_, Parts<T>::out_, Parts<T>::axes_, Parts<T>::bias_;
    typedef std::array<int64_t, 3> Tap;

    // Without weights.
    Stacks(const Layer& layer, const T* bias) : Parts<T>(layer, bias) {
        phases_x_ = 0;
        for (const AxisGroup& x : axes_[2].groups) phases_x_ += count_of(x.phases);
        for (const AxisGroup& z : axes_[0].groups) {
            if (mix(z)) continue;
            for (const AxisGroup& y : axes_[1].groups) stack_apart(z, y);
        }
    }

    // Weights of (group, stack) lie in that order, as [channel][run][tap][row].
    void pack(const T* weight) {
        T* to = packed_.grow(layer_.groups * group_weights_ + 16);
        T* start = start_.grow(layer_.groups * group_rows_ + 1);
        const Axis* axes = layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        std::vector<int64_t> places;
        std::vector<Row> rows;
        for (const Block& b : blocks_) make_lines(b);
        for (int64_t g = 0; g < layer_.groups; ++g)
            for (const Block& b : blocks_) {
                rows_of(b, rows);
                for (const Row& row : rows) *start++ = bias_.data()[g * out_ + row.channel];
                for (int64_t i = b.stack; i < b.stack + b.stacks; ++i) {
                    find_places(stacks_[static_cast<size_t>(i)], rows, places);
                    for (int64_t c = 0; c < in_; ++c) {
                        const T* from = weight + (g * in_ + c) * out_ * kernel;
                        for (const int64_t at : places) *to++ = from[at];
                    }
                }
            }
    }

    int64_t phases_ = 0, phases_x_, taps_ = 0;  // of an output channel: phases, taps of all of them
    int64_t most_rows_ = 0, group_weights_ = 0, group_rows_ = 0;
    std::vector<Tap> tap_;
    std::vector<Stack<T>> stacks_;
    std::vector<Block> blocks_;
    std::vector<Line> lines_;
    std::vector<int32_t> line_rows_;  // in a block, of each phase of the last axis; -1 where it has none
    Buffer<T> packed_, start_;

  private:
    struct Row {
        int64_t phase[3], channel;
    };

    // Products of their own for every share of the last axis. All phases of a few channels are
    // neighbours in the output.
    void stack_apart(const AxisGroup& z, const AxisGroup& y) {
        const int64_t phases = count_of(z.phases) * count_of(y.phases);
        const int64_t most = max(1, waiting_rows / phases_x_);
        const int64_t together = ceil_div(phases, ceil_div(phases, most));
        const int64_t rows = together * phases_x_;  // of one channel
        int64_t unit = max_rows;  // channels whose rows fill register blocks
        while (unit > 1 && unit / 2 * rows % max_rows == 0) unit /= 2;
        const int64_t channels = unit * max(1, waiting_rows / (unit * rows));
        const int64_t first = count_of(tap_);
        for (const AxisGroup& x : axes_[2].groups) add_taps(z, y.offsets, x.offsets);
        for (int64_t p = 0; p < phases; p += together)
            for (int64_t c = 0; c < out_; c += channels) {
                open(c, min(channels, out_ - c));
                int64_t tap = first;
                for (const AxisGroup& x : axes_[2].groups)
                    tap += add_strand({&z, &y, &x, p, min(together, phases - p)}, tap);
                close();
            }
    }

    // One product for all shares of the last two axes, where there is such a kernel.
    bool mix(const AxisGroup& z) {
        const std::vector<AxisGroup>&ys = axes_[1].groups, &xs = axes_[2].groups;
        if (ys.size() != 2 || xs.size() != 2) return false;
        const bool late_y = ys[0].offsets.size() < ys[1].offsets.size();
        const bool late_x = xs[0].offsets.size() < xs[1].offsets.size();
        const AxisGroup &y = ys[late_y], &less_y = ys[!late_y], &x = xs[late_x], &less_x = xs[!late_x];
        std::vector<int64_t> more_y, more_x;
        if (!has_all(y, less_y, more_y) || !has_all(x, less_x, more_x)) return false;
        const int64_t tz = count_of(z.offsets), ty = count_of(less_y.offsets);
        const int64_t tx = count_of(less_x.offsets), my = count_of(more_y), mx = count_of(more_x);
        const int64_t py = count_of(y.phases), qy = count_of(less_y.phases);
        const int64_t px = count_of(x.phases) * out_, qx = count_of(less_x.phases) * out_;
        Mix rows = {py * qx, py * px, qy * px, qy * qx, 0};
        if (tz == 1 && ty == tx && my == 1 && mx == 1) rows.taps = ty;
        const Kernel<T>* kernel = mixed_of<T>(rows);
        const bool all = kernel;
        if (!all) {
            rows.neither = 0;
            kernel = mixed_of<T>(rows);
        }
        if (!kernel) return false;
        const int64_t first = count_of(tap_);
        add_taps(z, less_y.offsets, less_x.offsets);
        add_taps(z, more_y, less_x.offsets);
        add_taps(z, less_y.offsets, more_x);
        add_taps(z, more_y, more_x);
        for (int64_t p = 0; p < count_of(z.phases); ++p) {
            open(0, out_);
            add_stack({kernel, 0, first, {tz * ty * tx, tz * my * tx, tz * ty * mx, tz * my * mx}, 0, 0});
            add_rows({&z, &y, &less_x, p * py, py});
            add_rows({&z, &y, &x, p * py, py});
            add_rows({&z, &less_y, &x, p * qy, qy});
            const Strand neither = {&z, &less_y, &less_x, p * qy, qy};
            if (all)
                add_rows(neither);
            else
                add_strand(neither, first);
            close();
        }
        return true;
    }

    // Whether a share has all taps of another; and those that the other has not.
    static bool has_all(const AxisGroup& share, const AxisGroup& of, std::vector<int64_t>& more) {
        for (const int64_t t : share.offsets)
            if (std::find(of.offsets.begin(), of.offsets.end(), t) == of.offsets.end())
                more.push_back(t);
        return count_of(more) + count_of(of.offsets) == count_of(share.offsets);
    }

    void add_taps(const AxisGroup& z, const std::vector<int64_t>& ys, const std::vector<int64_t>& xs) {
        for (const int64_t tz : z.offsets)
            for (const int64_t ty : ys)
                for (const int64_t tx : xs) tap_.push_back({tz, ty, tx});
    }

    void open(int64_t channel, int64_t channels) {
        blocks_.push_back({channel, channels, count_of(strands_), 0, count_of(stacks_), 0,
                           group_lines_, 0, group_rows_, 0});
    }

    void close() {
        Block& b = blocks_.back();
        b.lines = b.rows / phases_x_;
        group_rows_ += b.rows;
        group_lines_ += b.lines;
        most_rows_ = max(most_rows_, b.rows);
    }

    // Returns how many taps the rows have.
    int64_t add_rows(const Strand& s) {
        Block& b = blocks_.back();
        const int64_t phases = s.phases * count_of(s.x->phases);
        const int64_t taps =
            count_of(s.z->offsets) * count_of(s.y->offsets) * count_of(s.x->offsets);
        strands_.push_back(s);
        ++b.strands;
        b.rows += phases * b.channels;
        if (b.channel == 0) {
            phases_ += phases;
            taps_ += phases * taps;
        }
        return taps;
    }

    // Rows in stacks of their own.
    int64_t add_strand(const Strand& s, int64_t tap) {
        int64_t row = blocks_.back().rows;
        const int64_t taps = add_rows(s);
        for (int64_t left = blocks_.back().rows - row; left > 0;) {
            const int64_t stacks = left <= tallest_kernel ? 1 : ceil_div(left, max_rows);
            const int64_t height = ceil_div(left, stacks);
            add_stack({&kernel_of<T>(height, taps == 1), row, tap, {taps}, 0, 0});
            row += height;
            left -= height;
        }
        return taps;
    }

    void add_stack(Stack<T> s) {
        s.weights = group_weights_;
        for (int r = 0; r < s.kernel->runs; ++r) {
            s.taps += s.runs[r];
            group_weights_ += in_ * s.runs[r] * (s.kernel->end[r] - s.kernel->first[r]);
        }
        stacks_.push_back(s);
        ++blocks_.back().stacks;
    }

    // The rows of a block, in their order.
    void rows_of(const Block& b, std::vector<Row>& rows) const {
        rows.clear();
        for (int64_t i = b.strand; i < b.strand + b.strands; ++i) {
            const Strand& s = strands_[static_cast<size_t>(i)];
            const int64_t py = count_of(s.y->phases);
            for (int64_t p = s.phase; p < s.phase + s.phases; ++p)
                for (int64_t c = 0; c < b.channels; ++c)
                    for (const int64_t x : s.x->phases)
                        rows.push_back({{s.z->phases[static_cast<size_t>(p / py)],
                                         s.y->phases[static_cast<size_t>(p % py)], x},
                                        b.channel + c});
        }
    }

    void make_lines(const Block& b) {
        std::vector<Row> rows;
        rows_of(b, rows);
        const size_t stride = static_cast<size_t>(layer_.axes[2].stride);
        for (size_t r = 0; r < rows.size(); ++r) {
            const Row& row = rows[r];
            size_t i = static_cast<size_t>(b.line);
            while (i < lines_.size() && (lines_[i].z != row.phase[0] || lines_[i].y != row.phase[1] ||
                                         lines_[i].channel != row.channel))
                ++i;
            if (i == lines_.size()) {
                lines_.push_back({row.phase[0], row.phase[1], row.channel});
                line_rows_.resize(lines_.size() * stride, -1);
            }
            line_rows_[i * stride + static_cast<size_t>(row.phase[2])] = static_cast<int32_t>(r);
        }
    }

    // Where a stack's weights lie, among those of an input channel.
    void find_places(const Stack<T>& s, const std::vector<Row>& rows,
                     std::vector<int64_t>& places) const {
        places.clear();
        const Tap* tap = tap_.data() + s.tap;
        for (int r = 0; r < s.kernel->runs; ++r)
            for (const Tap* end = tap + s.runs[r]; tap != end; ++tap)
                for (int m = s.kernel->first[r]; m < s.kernel->end[r]; ++m)
                    places.push_back(place(rows[static_cast<size_t>(s.row + m)], *tap));
    }

    int64_t place(const Row& row, const Tap& tap) const {
        int64_t at = row.channel;
        for (size_t a = 0; a < 3; ++a) {
            const Axis& axis = layer_.axes[a];
            at = at * axis.kernel + (tap[a] * axis.stride + row.phase[a]) / axis.dilation;
        }
        return at;
    }

    int64_t group_lines_ = 0;
    std::vector<Strand> strands_;
};

}  // namespace tconv::TCONV_TARGET
