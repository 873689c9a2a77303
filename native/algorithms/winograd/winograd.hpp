// Winograd's short algorithms, all axes at once: every phase of a share is made from the same
// transformed tiles of the input, so that a product has the rows of all of them.
#pragma once

#include "algorithms/combining.hpp"
#include "problem/parts.hpp"
#include "algorithms/winograd/axis.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t winograd_product_bytes = 256 << 10;  // products of a block, untransformed
constexpr int64_t most_winograd_product_bytes = 1 << 20;  // the same, where phases are many
constexpr int64_t winograd_tiles = 48;                    // of a block
constexpr int64_t most_winograd_tiles = 144;              // where this reads large weights once
constexpr int64_t large_winograd_weights = 6 << 20;       // bytes
constexpr double cached_winograd_weights = 16 << 20;  // bytes that stay near from block to block
// Vector operations for a vector of tiles, by measurement:
constexpr double winograd_product_cost = 0.08;  // beside a product, times the square of the axes
constexpr double winograd_row_cost = 3;     // each part of each row of the input
constexpr double winograd_panel_cost = 8;   // each part stored in the panel
constexpr double winograd_output_cost = 4;  // each part of the products
constexpr double winograd_write_cost = 4;   // each vector of the output
constexpr double winograd_packing_cost = 4;  // each number packed

template <class T>
class Winograd final : public Combining<T>, Parts<T> {
    typedef Parts<T> Base;
    typedef typename Lanes<T>::V V;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* refusal(const Layer& layer) {
        if (layer.layout != Layout::channels_first)
            return "its lanes lie along positions, channels first";
        bool some = false;
        for (int a = 0; a < 3; ++a) {
            const AxisGroups shares = axis_groups_of(layer.axes[a]);
            const WinogradAxis<T> axis = WinogradAxis<T>::of(shares);
            if (axis.pieces.empty())
                return "a phase has more than three taps an axis, or distant ones";
            some = some || axis.m > 1;
        }
        return some ? nullptr : "no phase has two neighbouring taps";
    }

    static Cost cost(const Layer& layer, const Shape& shape, int) {
        const Winograd w(layer, nullptr, nullptr, false);
        const Cut t = w.cut(shape);
        const WinogradAxis<T>* const axes = w.winograd_;
        const double groups = static_cast<double>(layer.groups);
        const double in = static_cast<double>(w.in_) * groups;
        const double out = static_cast<double>(w.out_) * groups;
        const double vectors = static_cast<double>(t.vectors);
        // a row of tiles is transformed in whole vectors, and cut where a block ends
        const double rows = static_cast<double>(shape.batch * t.tiles[0] * t.tiles[1]);
        const double pieces = rows * static_cast<double>(ceil_div(t.tiles[2], lanes)) +
                              static_cast<double>(t.blocks);
        double products = 0, outputs = 0, written = 0, transformed = 0;
        for (int a = 0; a < 3; ++a) transformed += axes[a].m > 1;
        for (int64_t p = 0; p < count_of(w.phase_groups_); ++p) {
            const double phases = static_cast<double>(w.phase_groups_[p].phases);
            products += phases * static_cast<double>(w.parts_of(p));
            written += phases * static_cast<double>(axes[0].m * axes[1].m * axes[2].m);
        }
        outputs = winograd_output_cost * products + winograd_write_cost * written;
        const double inputs =
            winograd_row_cost *
                static_cast<double>(axes[0].cells * axes[1].cells * (axes[2].parts + 2)) +
            winograd_panel_cost * static_cast<double>(w.all_parts_);
        const double chains = static_cast<double>(ceil_div(w.in_, w.kc_));
        const double weights = static_cast<double>(w.kernels_ * w.in_ * w.out_) * groups;
        Cost c;
        c.products = vectors * products * out * static_cast<double>(w.in_);
        c.others = vectors * out * (products * 2 * (chains + 1) + outputs) + pieces * in * inputs +
                   winograd_product_cost * transformed * transformed * c.products;
        c.bytes = bytes_moved<T>(layer, shape) + weights * sizeof(T) * static_cast<double>(t.blocks) *
                                       (weights * sizeof(T) > cached_winograd_weights ? 1 : 0.1);
        c.packing = winograd_packing_cost * weights;
        c.tasks = max(1, t.blocks * layer.groups);
        return c;
    }

    Winograd(const Layer& layer, const T* weight, const T* bias)
        : Winograd(layer, weight, bias, true) {
        pack(weight);
    }

  protected:
    void combine(const Shape& shape, const T* x, T* y, int threads, const Parallel& parallel,
                 Patches& again) const override {
        const Cut t = cut(shape);
        if (!t.whole) fill_with_bias(this->layer_, shape, this->bias_.data(), y, parallel);
        if (t.all == 0) return;
        const int64_t whole = t.blocks * this->layer_.groups;
        const int64_t fair = threads > 1 ? ceil_div(2 * threads, whole) : 1;
        const int64_t splits = min(blocks_, fair);
        parallel(whole * splits, [&](int64_t task) {
            const int64_t split = task % splits, block = task / splits % t.blocks;
            run_block(shape, t, x, y, task / splits / t.blocks, block,
                      blocks_ * split / splits, blocks_ * (split + 1) / splits, again);
        });
    }

  private:
    // How a call's tiles, in the order (image, z, y, x), are cut into blocks of whole vectors.
    struct Cut {
        int64_t first[3], count[3];  // positions
        int64_t tiles[3], all;
        int64_t vectors, blocks;
        bool whole;
    };

    // Neighbouring tiles of one row, and where they lie in the block.
    struct Segment {
        int64_t image, z, y, x, tiles, at;
    };

    struct Block {
        std::vector<Segment> segments;
        int64_t width, plane;  // tiles; cells of the vectors that hold them
        int64_t apart;         // distance between parts of the panel
    };

    // Without weights packed.
    Winograd(const Layer& layer, const T* weight, const T* bias, bool)
        : Combining<T>(layer, weight, bias), Base(layer, bias) {
        all_parts_ = 1;
        kc_ = kc;
        for (int a = 0; a < 3; ++a) {
            winograd_[a] = WinogradAxis<T>::of(this->axes_[a]);
            all_parts_ *= winograd_[a].parts;
            // every axis about doubles the rounding errors of the products
            if (winograd_[a].m > 1) kc_ /= 2;
        }
        kernels_ = 0;
        products_ = 0;
        for (int64_t p = 0, last = size(2); p < count_of(this->phase_groups_); p += last) {
            int64_t products = 0;
            for (int64_t x = 0; x < last; ++x) {
                const int64_t now = this->phase_groups_[p + x].phases;
                products += parts_of(p + x) * now;
                kernels_ += kernels_of(p + x) * now;
            }
            products_ = max(products_, products);
        }
        const int64_t fits = winograd_product_bytes / (products_ * 3 * lanes * int64_t(sizeof(T)));
        const int64_t blocks = ceil_div(this->out_, max(1, fits));
        block_ = ceil_div(this->out_, blocks);
        blocks_ = ceil_div(this->out_, block_);
        for (int64_t x = 0; x < size(2); ++x)
            for (const int64_t phase : this->axes_[2].groups[x].phases)
                last_phases_.push_back(phase);
        std::sort(last_phases_.begin(), last_phases_.end());
    }

    int64_t size(int a) const { return static_cast<int64_t>(winograd_[a].pieces.size()); }

    // Parts of Base are products of shares, the last axis's fastest.
    const Piece<T>& piece(int64_t part, int a) const {
        for (int b = 2; b > a; --b) part /= size(b);
        return winograd_[a].pieces[part % size(a)];
    }

    int64_t parts_of(int64_t part) const {
        return piece(part, 0).form->parts * piece(part, 1).form->parts * piece(part, 2).form->parts;
    }

    int64_t kernels_of(int64_t part) const {
        return piece(part, 0).form->kernels * piece(part, 1).form->kernels *
               piece(part, 2).form->kernels;
    }

    // Tiles that cover so many positions.
    int64_t covered(int a, int64_t positions) const {
        return ceil_div(positions, winograd_[a].m);
    }

    // An odd number of cache lines, so that parts do not meet in the same sets of the caches.
    static int64_t odd_lines(int64_t cells) {
        constexpr int64_t line = 64 / sizeof(T);
        return (ceil_div(cells, line) | 1) * line;
    }

    Cut cut(const Shape& shape) const {
        const Range range = range_of(this->layer_, this->axes_, shape);
        Cut t;
        t.all = shape.batch;
        for (int a = 0; a < 3; ++a) {
            t.first[a] = range.first[a];
            t.count[a] = range.count[a];
            t.tiles[a] = covered(a, t.count[a]);
            t.all *= t.tiles[a];
        }
        t.whole = range.whole;
        t.vectors = ceil_div(t.all, lanes);
        const int64_t weights = kernels_ * this->in_ * this->out_ * int64_t(sizeof(T));
        const bool once = weights > large_winograd_weights && all_parts_ <= 16 &&
                          t.all <= most_winograd_tiles;
        const int64_t aim = once ? t.all : all_parts_ <= 7 ? 2 * winograd_tiles : winograd_tiles;
        const int64_t tile = products_ * block_ * int64_t(sizeof(T));
        const int64_t fits = max(most_winograd_product_bytes / tile / lanes, 1) * lanes;
        t.blocks = t.all ? ceil_div(t.all, min(aim, fits)) : 0;
        return t;
    }

    void lay(const Cut& t, int64_t block, Block& k) const {
        const int64_t first = t.vectors * block / t.blocks * lanes;
        const int64_t end = min(t.vectors * (block + 1) / t.blocks * lanes, t.all);
        k.width = end - first;
        k.plane = ceil_div(k.width, lanes) * lanes;
        k.apart = odd_lines(this->in_ * k.plane + lanes);
        k.segments.clear();
        for (int64_t tile = first; tile < end;) {
            const int64_t x = tile % t.tiles[2], row = tile / t.tiles[2];
            const int64_t tiles = min(t.tiles[2] - x, end - tile);
            k.segments.push_back({row / t.tiles[1] / t.tiles[0], row / t.tiles[1] % t.tiles[0],
                                  row % t.tiles[1], x, tiles, tile - first});
            tile += tiles;
        }
    }

    // [group][block][part][kernel][rows][channel][row]
    void pack(const T* weight) {
        const int64_t in = this->in_, out = this->out_;
        const Axis* axes = this->layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        T* to = packed_.grow(this->layer_.groups * kernels_ * in * out + 16);
        for (int64_t g = 0; g < this->layer_.groups; ++g)
            for (int64_t b = 0; b < blocks_; ++b) {
                const int64_t first = b * block_, channels = min(block_, out - first);
                for (int64_t p = 0; p < count_of(this->phase_groups_); ++p) {
                    const int64_t rows = this->phase_groups_[p].phases * channels;
                    for (int64_t r = 0; r < rows;) {
                        const int64_t height = block_rows(rows, r);
                        pack_rows(weight + (g * in * out + first) * kernel, out * kernel, p,
                                  channels, r, height, to + r * in, rows * in);
                        r += height;
                    }
                    to += kernels_of(p) * rows * in;
                }
            }
    }

    void pack_rows(const T* weight, int64_t step, int64_t p, int64_t channels, int64_t first,
                   int64_t height, T* to, int64_t to_step) const {
        const PhaseGroup& part = this->phase_groups_[p];
        const Axis* axes = this->layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        int64_t places[27][max_rows];
        for (int64_t tap = 0; tap < part.taps; ++tap)
            for (int64_t m = 0; m < max_rows; ++m) {
                const int64_t row = first + min(m, height - 1);
                places[tap][m] = row % channels * kernel +
                                 this->kernel_of(part, row / channels, part.taps - 1 - tap);
            }
        const Form<T>* forms[3] = {piece(p, 0).form, piece(p, 1).form, piece(p, 2).form};
        const int64_t count = kernels_of(p);
        for (int64_t c = 0; c < this->in_; ++c, weight += step) {
            Column<T> one[64], two[64];
            for (int64_t tap = 0; tap < part.taps; ++tap) {
                T row[max_rows];
                for (int m = 0; m < max_rows; ++m) row[m] = weight[places[tap][m]];
                one[tap] = *reinterpret_cast<const Column<T>*>(row);
            }
            const Column<T>* const now = transform_taps(forms, one, two);
            T* row = to + c * height;
            for (int64_t e = 0; e < count; ++e, row += to_step)
                if (height == max_rows)
                    *reinterpret_cast<Column<T>*>(row) = now[e];
                else
                    for (int64_t m = 0; m < height; ++m) row[m] = now[e][m];
        }
    }

    void run_block(const Shape& shape, const Cut& t, const T* x, T* y, int64_t group, int64_t block,
                   int64_t first_block, int64_t end_block, Patches& again) const {
        thread_local Block k;
        thread_local Buffer<T> panel, squares;
        lay(t, block, k);
        const int64_t in = this->in_;
        panel.grow(all_parts_ * k.apart + 4 * lanes);
        const int64_t norms_held = k.plane + lanes * count_of(k.segments);
        zero(squares.grow(norms_held), norms_held);
        for (int64_t c = 0; c < in; ++c) {
            T* norms = squares.data();
            for (const Segment& s : k.segments) {
                transform(shape, t, s, x,
                          (s.image * this->layer_.in_channels + group * in + c) * shape.input[0] *
                              shape.input[1] * shape.input[2],
                          panel.data() + c * k.plane + s.at, k.apart, norms);
                norms += ceil_div(s.tiles, lanes) * lanes;
            }
        }
        tell(t, k, group, squares.data(), again);
        for (int64_t b = first_block; b < end_block; ++b) {
            const int64_t first = b * block_;
            const int64_t channels = min(block_, this->out_ - first);
            const T* a = packed_.data() + (group * this->out_ + first) * kernels_ * in;
            for (int64_t p = 0; p < count_of(this->phase_groups_); p += size(2))
                a = run_band(shape, t, k, group, first, channels, p, a, panel.data(), y);
        }
    }

    // The tiles of a block whose cells are not all of ordinary size.
    void tell(const Cut& t, const Block& k, int64_t group, const T* squares, Patches& again) const {
        std::vector<Patch> found;
        for (const Segment& s : k.segments) {
            for (int64_t i = 0; i < s.tiles; i += lanes) {
                if (ordinary<T>(load(squares + i))) continue;
                for (int64_t j = i; j < min(i + lanes, s.tiles); ++j) {
                    if (ordinary(squares[j])) continue;
                    Patch patch{s.image, group, {s.z, s.y, s.x + j}, {}};
                    for (int a = 0; a < 3; ++a) {
                        patch.count[a] = winograd_[a].m;
                        patch.first[a] = t.first[a] + patch.first[a] * patch.count[a];
                    }
                    found.push_back(patch);
                }
            }
            squares += ceil_div(s.tiles, lanes) * lanes;
        }
        again.add(found);
    }

    // Whole vectors.
    static TCONV_INLINE void clear(T* to, int64_t count) {
        for (int64_t i = 0; i < count; i += lanes) store<T>(to + i, V{});
    }

    // A segment of the channel at x + from to its parts, each `step` apart; the squares of a tile's
    // cells are added up.
    void transform(const Shape& shape, const Cut& t, const Segment& s, const T* x, int64_t from,
                   T* to, int64_t step, T* squares) const {
        const WinogradAxis<T>* const w = winograd_;
        const int64_t vectors = ceil_div(s.tiles, lanes), across = vectors * lanes;
        const int64_t cells = w[2].m * across + 4, pitch = (ceil_div(cells, lanes) + 1) * lanes;
        const int64_t at[3] = {s.z, s.y, s.x}, *const in = shape.input;
        int64_t start[3];
        for (int a = 0; a < 3; ++a) start[a] = t.first[a] + at[a] * w[a].m - this->axes_[a].high;
        const int64_t reach = w[2].m * (s.tiles - 1) + w[2].cells;
        const int64_t left = min(max(-start[2], 0), cells);
        const int64_t held = max(min(in[2] - start[2], reach) - left, 0);
        const int64_t input_cells = shape.batch * this->layer_.in_channels * in[0] * in[1] * in[2];
        thread_local Buffer<T> lines, wide, tall;
        const int64_t set = w[2].parts * across;  // cells of a row, split
        const bool through = w[1].plain(), flat = w[0].plain(), last = through && flat;
        T* const padded = lines.grow(w[0].cells * w[1].cells * pitch + lanes);
        T* const rows = wide.grow(w[0].cells * w[1].cells * set);
        thread_local std::vector<const T*> sources;  // where each row is read from
        sources.clear();
        for (int64_t i = 0; i < w[0].cells * w[1].cells; ++i) {
            const int64_t iz = start[0] + i / w[1].cells, iy = start[1] + i % w[1].cells;
            T* const row = padded + i * pitch;
            sources.push_back(row);
            if (iz < 0 || iz >= in[0] || iy < 0 || iy >= in[1]) {
                clear(row, cells);
                continue;
            }
            const int64_t source = from + (iz * in[1] + iy) * in[2] + start[2] + left;
            for (int64_t j = 0; j < held; j += lanes)
                __builtin_prefetch(x + source + j + in[0] * in[1] * in[2]);
            if (last && left == 0 && held == reach && source + cells + lanes <= input_cells) {
                sources.back() = x + source;
                continue;
            }
            clear(row, left);
            if (source + held + lanes <= input_cells)
                for (int64_t j = 0; j < held; j += lanes)
                    store<T>(row + left + j, load(x + source + j));
            else
                copy(row + left, x + source, held);
            clear(row + left + held, cells - left - held);
        }
        for (int64_t i = 0; i < w[0].cells * w[1].cells; ++i)
            for (const Piece<T>& piece : w[2].pieces)
                piece.form->split(
                    {sources[i] + piece.base, 0, 0,
                     last ? to + piece.first * step : rows + i * set + piece.first * across,
                     last ? step : across, 0, 1, vectors},
                    squares);
        if (last) return;
        // the second axis, then the first
        const T* planes = rows;
        const int64_t inner = w[1].parts * w[2].parts;
        if (!through) {
            T* const h = tall.grow(w[0].cells * inner * across);
            if (!flat) planes = h;
            for (int64_t z = 0; z < w[0].cells; ++z)
                for (const Piece<T>& piece : w[1].pieces) {
                    const T* d = rows + (z * w[1].cells + piece.base) * set;
                    const int64_t e = piece.first * w[2].parts;
                    if (flat)
                        piece.form->forth({d, set, across, to + e * step, w[2].parts * step, step,
                                           w[2].parts, vectors});
                    else
                        piece.form->forth({d, set, 0, h + (z * inner + e) * across, set, 0, 1,
                                           w[2].parts * vectors});
                }
        }
        if (flat) return;
        for (const Piece<T>& piece : w[0].pieces)
            piece.form->forth({planes + piece.base * inner * across, inner * across, across,
                               to + piece.first * inner * step, inner * step, step, inner,
                               vectors});
    }

    // The parts of one piece of the first two axes: products, outputs, their rows written. Returns
    // where the next band's weights begin.
    const T* run_band(const Shape& shape, const Cut& t, const Block& k, int64_t group,
                      int64_t first, int64_t channels, int64_t p, const T* a, const T* panel,
                      T* y) const {
        thread_local Buffer<T> products, rows;
        const int64_t last = size(2), plane = k.plane;
        int64_t cells = 0;
        for (int64_t x = 0; x < last; ++x)
            cells += parts_of(p + x) *
                     odd_lines(this->phase_groups_[p + x].phases * channels * plane);
        products.grow(cells);
        const WinogradAxis<T>* const w = winograd_;
        const PhaseGroup& part = this->phase_groups_[p];
        const int64_t wide = plane * w[2].m;            // a row of all tiles, joined
        const int64_t slot = w[0].m * w[1].m * wide;    // one phase
        const int64_t outer = count_of(part.axes[0]->phases) * count_of(part.axes[1]->phases);
        const int64_t across = count_of(last_phases_);
        rows.grow(outer * across * slot + 4 * lanes);
        T* to = products.data();
        for (int64_t x = 0; x < last; ++x) {
            const int64_t height = this->phase_groups_[p + x].phases * channels;
            const int64_t apart = odd_lines(height * plane);
            a = multiply(k, p + x, height, apart, a, panel, to);
            to += parts_of(p + x) * apart;
        }
        const bool later = this->layer_.activation > Activation::relu;
        for (int64_t c = 0; c < channels; ++c) {
            const T* from = products.data();
            const Finish<T> finish{this->bias_.data()[group * this->out_ + first + c],
                                   this->layer_.activation == Activation::relu};
            for (int64_t x = 0; x < last; ++x) {
                const std::vector<int64_t>& phases = part.axes[2][x].phases;
                const int64_t count = count_of(phases);
                const int64_t apart = odd_lines(outer * count * channels * plane);
                for (int64_t o = 0; o < outer; ++o)
                    for (int64_t i = 0; i < count; ++i) {
                        const int64_t row = (o * count + i) * channels + c;
                        restore(p + x, plane / lanes, from + row * plane, apart, finish,
                                rows.data() + (o * across + slot_of(phases[i])) * slot);
                    }
                from += parts_of(p + x) * apart;
            }
            if (later) activate_row(this->layer_.activation, this->layer_.alpha, rows.data(), outer * across * slot);
            write_band(shape, t, k, part, group * this->out_ + first + c, rows.data(), slot, wide,
                       y);
        }
        return a;
    }

    int64_t slot_of(int64_t phase) const {
        return std::lower_bound(last_phases_.begin(), last_phases_.end(), phase) -
               last_phases_.begin();
    }

    const T* multiply(const Block& k, int64_t p, int64_t rows, int64_t apart, const T* a,
                      const T* panel, T* products) const {
        const int64_t in = this->in_;
        const Piece<T>*const z = &piece(p, 0), *const y = &piece(p, 1), *const x = &piece(p, 2);
        T* to = products;
        const auto kernel = [](const Form<T>& form, int64_t e) {
            return form.kernels == 1 ? 0 : e;
        };
        for (int64_t ez = 0; ez < z->form->parts; ++ez)
            for (int64_t ey = 0; ey < y->form->parts; ++ey)
                for (int64_t ex = 0; ex < x->form->parts; ++ex, to += apart) {
                    const int64_t e = ((z->first + ez) * winograd_[1].parts + y->first + ey) *
                                          winograd_[2].parts + x->first + ex;
                    const int64_t taken = (kernel(*z->form, ez) * y->form->kernels +
                                           kernel(*y->form, ey)) * x->form->kernels +
                                          kernel(*x->form, ex);
                    const T* weights = a + taken * rows * in;
                    for (int64_t r = 0; r < rows;) {
                        const int64_t height = block_rows(rows, r);
                        // in equal shares: not by one vector where there are several
                        int64_t vectors = k.plane / lanes, at = 0;
                        for (int64_t left = ceil_div(vectors, max_vectors); left > 0; --left) {
                            const int64_t now = ceil_div(vectors, left);
                            short_product_of<T>(height, now)(
                                in, kc_, weights, panel + e * k.apart + at, k.plane,
                                to + r * k.plane + at, k.plane);
                            at += now * lanes;
                            vectors -= now;
                        }
                        weights += in * height;
                        r += height;
                    }
                }
        return a + kernels_of(p) * rows * in;
    }

    // The parts of one channel and phase to its outputs: [z][y] of a tile, each a row of all tiles.
    void restore(int64_t p, int64_t vectors, const T* from, int64_t step, const Finish<T>& finish,
                 T* to) const {
        const Form<T> *const z = piece(p, 0).form, *const y = piece(p, 1).form;
        const Form<T>* const x = piece(p, 2).form;
        thread_local Buffer<T> tall, wide;
        const int64_t plane = vectors * lanes;
        if (z->parts > 1) {
            const int64_t inner = y->parts * x->parts;
            T* const h = tall.grow(z->m * inner * plane);
            z->back({from, inner * step, step, h, inner * plane, plane, inner, vectors});
            from = h;
            step = plane;
        }
        for (int64_t i = 0; i < z->m; ++i, from += y->parts * x->parts * step) {
            const T* parts = from;
            int64_t apart = step;
            if (y->parts > 1) {
                T* const w = wide.grow(y->m * x->parts * plane);
                y->back({from, x->parts * step, step, w, x->parts * plane, plane, x->parts,
                         vectors});
                parts = w;
                apart = plane;
            }
            x->join({parts, apart, x->parts * apart, to, 0, x->m * plane, y->m, vectors}, finish);
            to += y->m * x->m * plane;
        }
    }

    // Rows of one channel, all phases of the last axis, to the output.
    void write_band(const Shape& shape, const Cut& t, const Block& k, const PhaseGroup& part,
                    int64_t channel, const T* rows, int64_t slot, int64_t wide, T* y) const {
        const int64_t *out = shape.output, *crop = shape.crop;
        const Axis* axes = this->layer_.axes;
        const WinogradAxis<T>* const w = winograd_;
        const auto &zs = part.axes[0]->phases, &ys = part.axes[1]->phases;
        const int64_t across = count_of(last_phases_), stride = axes[2].stride;
        const Writer any = across == stride ? writer(stride) : nullptr;
        for (const Segment& s : k.segments) {
            T* const image = y + (s.image * this->layer_.out_channels + channel) * out[0] * out[1] *
                                     out[2];
            const int64_t x = s.x * w[2].m, count = min(s.tiles * w[2].m, t.count[2] - x);
            const int64_t at = (t.first[2] + x) * stride - crop[2];
            const int64_t begin = max(-at, 0), end = min(out[2] - at, count * stride);
            const Writer fast = end - begin >= lanes * stride ? any : nullptr;
            for (int64_t jz = 0; jz < w[0].m; ++jz)
                for (int64_t iz = 0; iz < count_of(zs); ++iz) {
                    const int64_t oz =
                        (t.first[0] + s.z * w[0].m + jz) * axes[0].stride + zs[iz] - crop[0];
                    if (oz < 0 || oz >= out[0]) continue;
                    for (int64_t jy = 0; jy < w[1].m; ++jy)
                        for (int64_t iy = 0; iy < count_of(ys); ++iy) {
                            const int64_t q = t.first[1] + s.y * w[1].m + jy;
                            const int64_t oy = q * axes[1].stride + ys[iy] - crop[1];
                            if (oy < 0 || oy >= out[1]) continue;
                            const T* from = rows + (iz * count_of(ys) + iy) * across * slot +
                                            (jz * w[1].m + jy) * wide + s.at * w[2].m;
                            T* const to = image + (oz * out[1] + oy) * out[2];
                            if (fast)
                                fast(to + at, begin, end, from, slot, out[0] * out[1] * out[2]);
                            else
write_row(to + at, out[2], at, from, slot, count);
                        }
                }
        }
    }

    // Positions of a short or cropped row: `to` stands where phase 0 of the first of them goes.
    void write_row(T* to, int64_t length, int64_t at, const T* from, int64_t slot,
                   int64_t count) const {
        const int64_t stride = this->layer_.axes[2].stride, across = count_of(last_phases_);
        thread_local Buffer<const T*> kept;
        const T** const rows = kept.grow(stride);
        if (across < stride) std::fill_n(rows, stride, nullptr);
        for (int64_t p = 0; p < across; ++p)
            rows[last_phases_[static_cast<size_t>(p)]] = from + p * slot;
        const int64_t low = min(max(ceil_div(max(-at, 0), stride), 0), count);
        const int64_t room = max(length - at, 0) / stride;
        const int64_t end = max(min(count, room), low);
        write_edge(to, rows, 0, 0, low, stride, at, length);
        by_stride<T>(stride, across == stride, [&](auto S) {
            write_inner<decltype(S)::value>(to, rows, 0, low, end, stride, false);
        });
        write_edge(to, rows, 0, end, count, stride, at, length);
    }

    typedef void (*Writer)(T* to, int64_t begin, int64_t end, const T* from, int64_t slot,
                           int64_t next);

    static Writer writer(int64_t stride) {
        switch (stride) {
            case 1: return write_all<1>;
            case 2: return write_all<2>;
            case 3: return write_all<3>;
            case 4: return write_all<4>;
            case 8: return write_all<8>;
            default: return nullptr;
        }
    }

    // to[i] = from[i % S][i / S] for begin <= i < end: at least S vectors, aligned but for the
    // ends, which overlap. What is written `next` cells on is fetched.
    template <int S>
    static void write_all(T* to, int64_t begin, int64_t end, const T* from, int64_t slot,
                          int64_t next) {
        const auto put = [&](int64_t i) {
            V v[S];
            const T* at = from + i / S;
            const int64_t turn = i % S;
            for (int j = 0; j < S; ++j) {
                const int64_t phase = turn + j;
                v[j] = load(at + (phase < S ? phase * slot : (phase - S) * slot + 1));
            }
            zip<T, S>(v);
            for (int j = 0; j < S; ++j) {
                store<T>(to + i + j * lanes, v[j]);
                __builtin_prefetch(to + i + j * lanes + next, 1);
            }
        };
        int64_t i = begin;
        if (!aligned(to + i)) {
            put(i);
            while (i < begin + lanes && !aligned(to + i)) ++i;
        }
        for (; i + S * lanes <= end; i += S * lanes) put(i);
        if (i < end) put(end - S * lanes);
    }

    WinogradAxis<T> winograd_[3];
    int64_t block_, blocks_;       // output channels of a block
    int64_t all_parts_, kernels_;  // parts of the panel; kernels, counted for every phase
    int64_t products_;             // of a channel and tile, in one band
    int64_t kc_;              // products in one chain
    std::vector<int64_t> last_phases_;
    Buffer<T> packed_;
};

}  // namespace tconv::TCONV_TARGET
