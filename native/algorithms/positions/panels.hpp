// The rows of the phase product: phases, times output channels. Those computed at once make an
// M-panel, which holds their weights; those written together make a block.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "gemm/mixed_taps.hpp"
#include "heuristics/costs.hpp"
#include "heuristics/positions.hpp"
#include "problem/phase_groups.hpp"
#include "simd/integers.hpp"

namespace tconv::TCONV_TARGET {

// Rows with the same taps: some phases of a group of each of the first two axes, counted within it,
// and all those of a group of the last.
struct RowGroup {
    const AxisGroup *z, *y, *x;
    int64_t phase, phases;
};

// Rows that are computed at once, of neighbouring row groups.
template <class T>
struct MPanel {
    const Kernel<T>* kernel;
    int64_t row;              // the first, in a block
    int64_t tap;              // where its taps begin
    int64_t runs[most_runs];  // taps of each
    int64_t taps;             // of all runs
    int64_t weights;          // where they begin, in a group
};

// Row groups of some output channels: they are written together.
struct RowBlock {
    int64_t channel, channels;
    int64_t group, groups, panel, panels, line, lines;  // the first, and how many
    int64_t row, rows;                                    // in a group
};

// Rows of one output channel that are interleaved: one phase of the first two axes.
struct Line {
    int64_t z, y, channel;
};

template <class T>
class PanelLayout {
  public:
    typedef std::array<int64_t, 3> Tap;

    explicit PanelLayout(const Layer& given) : phases(given) {
        for (const AxisGroup& x : phases.axes[2].groups) last_phases += count_of(x.phases);
        for (const AxisGroup& z : phases.axes[0].groups) {
            if (mix(z)) continue;
            for (const AxisGroup& y : phases.axes[1].groups) add_apart(z, y);
        }
        for (const RowBlock& b : blocks) make_lines(b);
    }

    // Weights of (group, panel) lie in that order, as [channel][run][tap][row]; biases by row.
    void pack(const T* weight, const T* bias, Buffer<T>& packed, Buffer<T>& biases) const {
        T* to = packed.grow(phases.layer.groups * group_weights + 16);
        T* start = biases.grow(phases.layer.groups * group_rows + 1);
        std::vector<int64_t> places;
        std::vector<Row> rows;
        for (int64_t g = 0; g < phases.layer.groups; ++g)
            for (const RowBlock& b : blocks) {
                rows_of(b, rows);
                for (const Row& row : rows) *start++ = bias ? bias[g * phases.out + row.channel] : T(0);
                for (int64_t i = b.panel; i < b.panel + b.panels; ++i) {
                    find_places(panels[static_cast<size_t>(i)], rows, places);
                    for (int64_t c = 0; c < phases.in; ++c) {
                        const T* from = weight + (g * phases.in + c) * phases.out * phases.kernel;
                        for (const int64_t at : places) *to++ = from[at];
                    }
                }
            }
    }

    PhaseGroups phases;
    int64_t all_phases = 0, last_phases = 0, all_taps = 0;  // of a channel: also those of the last axis
    int64_t most_rows = 0, group_weights = 0, group_rows = 0;
    std::vector<Tap> tap_offsets;
    std::vector<MPanel<T>> panels;
    std::vector<RowBlock> blocks;
    std::vector<Line> lines;
    std::vector<int32_t> line_rows;  // in a block, of each phase of the last axis; -1 where it has none

  private:
    struct Row {
        int64_t phase[3], channel;
    };

    // Products of their own for every group of the last axis. All phases of a few channels are
    // neighbours in the output.
    void add_apart(const AxisGroup& z, const AxisGroup& y) {
        const int64_t outer = count_of(z.phases) * count_of(y.phases);
        const int64_t most = max(1, waiting_rows / last_phases);
        const int64_t together = ceil_div(outer, ceil_div(outer, most));
        const int64_t rows = together * last_phases;  // of one channel
        int64_t unit = max_rows;  // channels whose rows fill register blocks
        while (unit > 1 && unit / 2 * rows % max_rows == 0) unit /= 2;
        const int64_t channels = unit * max(1, waiting_rows / (unit * rows));
        const int64_t first = count_of(tap_offsets);
        for (const AxisGroup& x : phases.axes[2].groups) add_taps(z, y.offsets, x.offsets);
        for (int64_t p = 0; p < outer; p += together)
            for (int64_t c = 0; c < phases.out; c += channels) {
                open(c, min(channels, phases.out - c));
                int64_t tap = first;
                for (const AxisGroup& x : phases.axes[2].groups)
                    tap += add_own_panels({&z, &y, &x, p, min(together, outer - p)}, tap);
                close();
            }
    }

    // One product for all groups of the last two axes, where there is such a kernel.
    bool mix(const AxisGroup& z) {
        const std::vector<AxisGroup>&ys = phases.axes[1].groups, &xs = phases.axes[2].groups;
        if (ys.size() != 2 || xs.size() != 2) return false;
        const bool late_y = ys[0].offsets.size() < ys[1].offsets.size();
        const bool late_x = xs[0].offsets.size() < xs[1].offsets.size();
        const AxisGroup &y = ys[late_y], &less_y = ys[!late_y], &x = xs[late_x], &less_x = xs[!late_x];
        std::vector<int64_t> more_y, more_x;
        if (!has_all(y, less_y, more_y) || !has_all(x, less_x, more_x)) return false;
        const int64_t tz = count_of(z.offsets), ty = count_of(less_y.offsets);
        const int64_t tx = count_of(less_x.offsets), my = count_of(more_y), mx = count_of(more_x);
        const int64_t py = count_of(y.phases), qy = count_of(less_y.phases);
        const int64_t px = count_of(x.phases) * phases.out, qx = count_of(less_x.phases) * phases.out;
        Mix rows = {py * qx, py * px, qy * px, qy * qx, 0};
        if (tz == 1 && ty == tx && my == 1 && mx == 1) rows.taps = ty;
        const Kernel<T>* kernel = mixed_of<T>(rows);
        const bool all = kernel;
        if (!all) {
            rows.neither = 0;
            kernel = mixed_of<T>(rows);
        }
        if (!kernel) return false;
        const int64_t first = count_of(tap_offsets);
        add_taps(z, less_y.offsets, less_x.offsets);
        add_taps(z, more_y, less_x.offsets);
        add_taps(z, less_y.offsets, more_x);
        add_taps(z, more_y, more_x);
        for (int64_t p = 0; p < count_of(z.phases); ++p) {
            open(0, phases.out);
            add_panel({kernel, 0, first, {tz * ty * tx, tz * my * tx, tz * ty * mx, tz * my * mx}, 0, 0});
            add_rows({&z, &y, &less_x, p * py, py});
            add_rows({&z, &y, &x, p * py, py});
            add_rows({&z, &less_y, &x, p * qy, qy});
            const RowGroup neither = {&z, &less_y, &less_x, p * qy, qy};
            if (all)
                add_rows(neither);
            else
                add_own_panels(neither, first);
            close();
        }
        return true;
    }

    // Whether a group has all taps of another; and those that the other has not.
    static bool has_all(const AxisGroup& group, const AxisGroup& of, std::vector<int64_t>& more) {
        for (const int64_t t : group.offsets)
            if (std::find(of.offsets.begin(), of.offsets.end(), t) == of.offsets.end())
                more.push_back(t);
        return count_of(more) + count_of(of.offsets) == count_of(group.offsets);
    }

    void add_taps(const AxisGroup& z, const std::vector<int64_t>& ys, const std::vector<int64_t>& xs) {
        for (const int64_t tz : z.offsets)
            for (const int64_t ty : ys)
                for (const int64_t tx : xs) tap_offsets.push_back({tz, ty, tx});
    }

    void open(int64_t channel, int64_t channels) {
        blocks.push_back({channel, channels, count_of(groups_), 0, count_of(panels), 0,
                           group_lines_, 0, group_rows, 0});
    }

    void close() {
        RowBlock& b = blocks.back();
        b.lines = b.rows / last_phases;
        group_rows += b.rows;
        group_lines_ += b.lines;
        most_rows = max(most_rows, b.rows);
    }

    // Returns how many taps the rows have.
    int64_t add_rows(const RowGroup& s) {
        RowBlock& b = blocks.back();
        const int64_t rows = s.phases * count_of(s.x->phases);  // of a channel
        const int64_t taps =
            count_of(s.z->offsets) * count_of(s.y->offsets) * count_of(s.x->offsets);
        groups_.push_back(s);
        ++b.groups;
        b.rows += rows * b.channels;
        if (b.channel == 0) {
            all_phases += rows;
            all_taps += rows * taps;
        }
        return taps;
    }

    // Rows in panels of their own.
    int64_t add_own_panels(const RowGroup& s, int64_t tap) {
        int64_t row = blocks.back().rows;
        const int64_t taps = add_rows(s);
        for (int64_t left = blocks.back().rows - row; left > 0;) {
            const int64_t panels_left = left <= tallest_kernel ? 1 : ceil_div(left, max_rows);
            const int64_t height = ceil_div(left, panels_left);
            add_panel({&kernel_of<T>(height, taps == 1), row, tap, {taps}, 0, 0});
            row += height;
            left -= height;
        }
        return taps;
    }

    void add_panel(MPanel<T> s) {
        s.weights = group_weights;
        for (int r = 0; r < s.kernel->runs; ++r) {
            s.taps += s.runs[r];
            group_weights += phases.in * s.runs[r] * (s.kernel->end[r] - s.kernel->first[r]);
        }
        panels.push_back(s);
        ++blocks.back().panels;
    }

    // The rows of a block, in their order.
    void rows_of(const RowBlock& b, std::vector<Row>& rows) const {
        rows.clear();
        for (int64_t i = b.group; i < b.group + b.groups; ++i) {
            const RowGroup& s = groups_[static_cast<size_t>(i)];
            const int64_t py = count_of(s.y->phases);
            for (int64_t p = s.phase; p < s.phase + s.phases; ++p)
                for (int64_t c = 0; c < b.channels; ++c)
                    for (const int64_t x : s.x->phases)
                        rows.push_back({{s.z->phases[static_cast<size_t>(p / py)],
                                         s.y->phases[static_cast<size_t>(p % py)], x},
                                        b.channel + c});
        }
    }

    void make_lines(const RowBlock& b) {
        std::vector<Row> rows;
        rows_of(b, rows);
        const size_t stride = static_cast<size_t>(phases.layer.axes[2].stride);
        for (size_t r = 0; r < rows.size(); ++r) {
            const Row& row = rows[r];
            size_t i = static_cast<size_t>(b.line);
            while (i < lines.size() && (lines[i].z != row.phase[0] || lines[i].y != row.phase[1] ||
                                         lines[i].channel != row.channel))
                ++i;
            if (i == lines.size()) {
                lines.push_back({row.phase[0], row.phase[1], row.channel});
                line_rows.resize(lines.size() * stride, -1);
            }
            line_rows[i * stride + static_cast<size_t>(row.phase[2])] = static_cast<int32_t>(r);
        }
    }

    // Where a panel's weights lie, among those of an input channel.
    void find_places(const MPanel<T>& s, const std::vector<Row>& rows,
                     std::vector<int64_t>& places) const {
        places.clear();
        const Tap* tap = tap_offsets.data() + s.tap;
        for (int r = 0; r < s.kernel->runs; ++r)
            for (const Tap* end = tap + s.runs[r]; tap != end; ++tap)
                for (int m = s.kernel->first[r]; m < s.kernel->end[r]; ++m)
                    places.push_back(place(rows[static_cast<size_t>(s.row + m)], *tap));
    }

    int64_t place(const Row& row, const Tap& tap) const {
        int64_t at = row.channel;
        for (size_t a = 0; a < 3; ++a) {
            const Axis& axis = phases.layer.axes[a];
            at = at * axis.kernel + (tap[a] * axis.stride + row.phase[a]) / axis.dilation;
        }
        return at;
    }

    int64_t group_lines_ = 0;
    std::vector<RowGroup> groups_;
};

}  // namespace tconv::TCONV_TARGET
