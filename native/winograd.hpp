// Winograd's short algorithms, all axes at once: every phase of a share is made from the same
// transformed tiles of the input, so that a product has the rows of all of them.
#pragma once

#include "phased.hpp"
#include "winograd_axis.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t winograd_product_bytes = 256 << 10;  // products of a block, untransformed
constexpr int64_t winograd_panel_bytes = 2 << 20;      // aimed at where weights are small
constexpr int64_t widest_winograd_block = 9;           // vectors of tiles
constexpr int64_t fewest_winograd_tiles = 24;  // of a call: below, the direct product is faster
constexpr int64_t fewest_winograd_rows = 24;   // phases times output channels
constexpr int64_t fewest_winograd_channels = 24;

template <class T>
class Winograd final : public Phased<T> {
    typedef Phased<T> Base;
    typedef typename Lanes<T>::V V;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* refusal(const Layer& layer) {
        if (layer.layout != Layout::channels_first)
            return "its lanes lie along positions, channels first";
        bool some = false;
        for (int a = 0; a < 3; ++a) {
            const Shares shares = shares_of(layer.axes[a]);
            const WinogradAxis<T> axis = WinogradAxis<T>::of(shares);
            if (axis.pieces.empty()) return "a phase has more than three taps an axis, or distant ones";
            some = some || axis.m > 1;
        }
        return some ? nullptr : "no phase has two neighbouring taps";
    }

    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const Winograd plain(layer, nullptr);
        const Cut t = plain.cut(shape, threads);
        int64_t all = shape.batch;
        for (int a = 0; a < 3; ++a) all *= plain.covered(a, t.count[a]);
        Cost c = Base::cost(layer, shape, threads);
        const int64_t phases = plain.phases_ * layer.out_channels / layer.groups;
        if (all < fewest_winograd_tiles || plain.in_ < fewest_winograd_channels ||
            phases < fewest_winograd_rows)
            c.products *= 2;
        else
            c.products /= 1.2;
        return c;
    }

    Winograd(const Layer& layer, const T* weight, const T* bias) : Winograd(layer, bias) {
        pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const Cut t = cut(shape, threads);
        if (!t.whole) this->fill(shape, y, parallel);
        const int64_t tiles = t.image_tiles * t.tiles[0] * t.tiles[1] * t.tiles[2];
        if (tiles == 0) return;
        const int64_t groups = this->layer_.groups;
        const int64_t splits = threads > 1 && tiles * groups < 2 * threads
                                   ? min(this->blocks_, ceil_div(2 * threads, tiles * groups))
                                   : 1;
        parallel(tiles * groups * splits, [&](int64_t task) {
            const int64_t split = task % splits, tile = task / splits % tiles;
            run_tile(shape, t, x, y, task / splits / tiles, tile, this->blocks_ * split / splits,
                     this->blocks_ * (split + 1) / splits);
        });
    }

  private:
    // How a call is cut into blocks of tiles; `tile` of Tiling counts positions.
    struct Cut : Tiling {
        int64_t panel_part;  // distance between parts of the panel
    };

    // Where a block of tiles lies, and how it is laid out.
    struct Block {
        int64_t start[3], count[3];  // positions
        int64_t tiles[3], image, images;
        int64_t width;    // tiles of all images
        int64_t vectors;  // that hold them
        int64_t input_cells;  // of all images
    };

    // A row of the output's phases: one piece of each of the outer axes, all pieces of the last.
    struct Band {
        int64_t z, y;
    };

    // Without weights packed.
    Winograd(const Layer& layer, const T* bias) : Base(layer, bias) {
        all_parts_ = 1;
        for (int a = 0; a < 3; ++a) {
            winograd_[a] = WinogradAxis<T>::of(this->axes_[a]);
            all_parts_ *= winograd_[a].parts;
        }
        kernels_ = 0;
        int64_t most = 0;  // products of a channel in one band
        int64_t rows = 0;
        for (int64_t p = 0, last = size(2); p < this->parts_; p += last) {
            int64_t products = 0, phases = 0;
            for (int64_t x = 0; x < last; ++x) {
                const int64_t now = this->part_.data()[p + x].phases;
                products += parts_of(p + x) * now;
                phases += now;
                kernels_ += kernels_of(p + x) * now;
            }
            most = max(most, products);
            rows = max(rows, phases);
        }
        const int64_t fits = winograd_product_bytes / (most * 3 * lanes * int64_t(sizeof(T)));
        const int64_t blocks = ceil_div(this->out_, max(1, fits));
        this->block_ = ceil_div(this->out_, blocks);
        this->blocks_ = ceil_div(this->out_, this->block_);
        for (int64_t x = 0; x < size(2); ++x)
            for (const int64_t phase : this->axes_[2].shares[x].phases) last_phases_.push_back(phase);
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

    // The time of a product by so many vectors, in that of a multiply-add of one: what is no
    // multiple of max_vectors keeps the multiply-adders less busy.
    static double sweep_cost(int64_t vectors) {
        const int64_t rest = vectors % max_vectors;
        return static_cast<double>(vectors) + (rest == 0 ? 0 : rest == 1 ? 0.5 : 0.2);
    }

    Cut cut(const Shape& shape, int threads) const {
        Cut t;
        static_cast<Tiling&>(t) = this->tiling(shape, threads);
        int64_t all[3];
        for (int a = 0; a < 3; ++a) all[a] = covered(a, t.count[a]);
        const int64_t batch = max(shape.batch, 1), groups = this->layer_.groups;
        const int64_t panel_vector = all_parts_ * this->in_ * lanes * int64_t(sizeof(T));
        const double work = static_cast<double>(kernels_ * this->out_ * this->in_);
        const double weights = work * sizeof(T) / (4 * bytes_an_operation);  // once a block
        int64_t best[4] = {1, 1, 1, 1};
        double least = -1;
        const auto consider = [&](int64_t images, int64_t z, int64_t y, int64_t x) {
            const int64_t vectors = ceil_div(images * z * y * x, lanes);
            if (vectors > max(max_vectors, 3) && vectors * panel_vector > winograd_panel_bytes * 2)
                return;
            const int64_t blocks = ceil_div(batch, images) * ceil_div(all[0], z) *
                                   ceil_div(all[1], y) * ceil_div(all[2], x) * groups;
            const int64_t rounds = ceil_div(blocks, threads) * threads;
            const double now = static_cast<double>(rounds) * (work * sweep_cost(vectors) + weights);
            if (least >= 0 && now >= least) return;
            least = now;
            best[0] = images, best[1] = z, best[2] = y, best[3] = x;
        };
        const int64_t most = widest_winograd_block * lanes;
        const auto pieces = [](int64_t of, int64_t room, const auto& body) {
            for (int64_t n = max(1, ceil_div(of, room)), before = 0; n <= of; ++n) {
                const int64_t now = ceil_div(of, n);
                if (now == before) continue;
                body(before = now);
                if (now <= 4) break;
            }
        };
        pieces(all[2], most, [&](int64_t x) {
            pieces(all[1], most / x, [&](int64_t y) {
                pieces(all[0], most / x / y, [&](int64_t z) {
                    pieces(batch, most / x / y / z, [&](int64_t n) { consider(n, z, y, x); });
                });
            });
        });
        t.images = best[0];
        t.image_tiles = ceil_div(shape.batch, t.images);
        for (int a = 0; a < 3; ++a) {
            t.tile[a] = best[a + 1] * winograd_[a].m;
            t.tiles[a] = ceil_div(t.count[a], t.tile[a]);
        }
        t.plane = ceil_div(best[0] * best[1] * best[2] * best[3], lanes) * lanes;
        t.panel_part = odd_lines(this->in_ * t.plane + lanes);
        return t;
    }

    // [group][block][part][kernel][rows][channel][row]
    void pack(const T* weight) {
        const int64_t in = this->in_, out = this->out_;
        const Axis* axes = this->layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        T* to = packed_.grow(this->layer_.groups * kernels_ * in * out + 16);
        for (int64_t g = 0; g < this->layer_.groups; ++g)
            for (int64_t b = 0; b < this->blocks_; ++b) {
                const int64_t first = b * this->block_, channels = min(this->block_, out - first);
                for (int64_t p = 0; p < this->parts_; ++p) {
                    const int64_t rows = this->part_.data()[p].phases * channels;
                    for (int64_t r = 0; r < rows;) {
                        const int64_t height = Base::block_rows(rows, r);
                        pack_rows(weight + (g * in * out + first) * kernel, out * kernel, p, channels,
                                  r, height, to + r * in, rows * in);
                        r += height;
                    }
                    to += kernels_of(p) * rows * in;
                }
            }
    }

    void pack_rows(const T* weight, int64_t step, int64_t p, int64_t channels, int64_t first,
                   int64_t height, T* to, int64_t to_step) const {
        const Part& part = this->part_.data()[p];
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
            T one[64 * max_rows], two[64 * max_rows];
            T *now = one, *next = two;
            for (int64_t tap = 0; tap < part.taps; ++tap)
                for (int64_t m = 0; m < max_rows; ++m)
                    now[tap * max_rows + m] = weight[places[tap][m]];
            int64_t outer = 1, inner = part.taps;
            for (int a = 0; a < 3; ++a) {
                inner /= forms[a]->taps;
                if (forms[a]->taps > 1) {
                    forms[a]->transform_taps(now, next, outer, inner);
                    std::swap(now, next);
                }
                outer *= forms[a]->kernels;
            }
            for (int64_t e = 0; e < count; ++e) {
                T* const row = to + e * to_step + c * height;
                const T* from = now + e * max_rows;
                if (height == max_rows)
                    for (int m = 0; m < max_rows; ++m) row[m] = from[m];
                else
                    for (int64_t m = 0; m < height; ++m) row[m] = from[m];
            }
        }
    }

    void run_tile(const Shape& shape, const Cut& t, const T* x, T* y, int64_t group, int64_t tile,
                  int64_t first_block, int64_t end_block) const {
        Block k;
        for (int a = 2; a >= 0; --a) {
            const int64_t at = tile % t.tiles[a] * t.tile[a];
            k.start[a] = t.first[a] + at;
            k.count[a] = min(t.tile[a], t.count[a] - at);
            k.tiles[a] = covered(a, k.count[a]);
            tile /= t.tiles[a];
        }
        k.image = tile * t.images;
        k.images = min(t.images, shape.batch - k.image);
        k.input_cells = shape.batch * this->layer_.in_channels * shape.input[0] * shape.input[1] *
                        shape.input[2];
        const int64_t tiles = k.tiles[0] * k.tiles[1] * k.tiles[2], in = this->in_;
        k.width = k.images * tiles;
        k.vectors = ceil_div(k.width, lanes);
        thread_local Buffer<T> panel;
        panel.grow(all_parts_ * t.panel_part + 4 * lanes);
        for (int64_t c = 0; c < in; ++c)
            for (int64_t n = 0; n < k.images; ++n)
                transform(shape, k,
                          x, ((k.image + n) * this->layer_.in_channels + group * in + c) *
                                  shape.input[0] * shape.input[1] * shape.input[2],
                          panel.data() + c * t.plane + n * tiles, t.panel_part);
        for (int64_t b = first_block; b < end_block; ++b) {
            const int64_t first = b * this->block_, channels = min(this->block_, this->out_ - first);
            const T* a = packed_.data() + (group * this->out_ + first) * kernels_ * in;
            for (int64_t p = 0; p < this->parts_; p += size(2))
                a = run_band(shape, t, k, group, first, channels, p, a, panel.data(), y);
        }
    }

    // Whole vectors.
    static TCONV_INLINE void clear(T* to, int64_t count) {
        for (int64_t i = 0; i < count; i += lanes) store<T>(to + i, V{});
    }

    // One channel of one image, at x + from, to its parts, each `step` apart.
    void transform(const Shape& shape, const Block& k, const T* x, int64_t from, T* to,
                   int64_t step) const {
        const WinogradAxis<T>*const w = winograd_;
        const int64_t across = ceil_div(k.tiles[2], lanes) * lanes, vectors = across / lanes;
        const int64_t cells = w[2].m * across + 4, pitch = (ceil_div(cells, lanes) + 1) * lanes;
        int64_t reach[3], start[3];
        for (int a = 0; a < 3; ++a) {
            reach[a] = w[a].m * (k.tiles[a] - 1) + w[a].cells;
            start[a] = k.start[a] - this->axes_[a].high;
        }
        thread_local Buffer<T> lines, wide, tall;
        // the input's rows, padded; what leaves the image is zero
        T* const padded = lines.grow(reach[0] * reach[1] * pitch + lanes);
        const int64_t left = min(max(-start[2], 0), cells);
        const int64_t held = max(min(shape.input[2] - start[2], reach[2]) - left, 0);
        const int64_t plane_of = shape.input[0] * shape.input[1] * shape.input[2];
        for (int64_t z = 0; z < reach[0]; ++z)
            for (int64_t r = 0; r < reach[1]; ++r) {
                T* const row = padded + (z * reach[1] + r) * pitch;
                const int64_t iz = start[0] + z, iy = start[1] + r;
                if (iz < 0 || iz >= shape.input[0] || iy < 0 || iy >= shape.input[1]) {
                    clear(row, cells);
                    continue;
                }
                const int64_t at =
                    from + (iz * shape.input[1] + iy) * shape.input[2] + start[2] + left;
                clear(row, left);
                for (int64_t i = 0; i < held; i += lanes)
                    __builtin_prefetch(x + at + plane_of + i);
                if (at + held + lanes <= k.input_cells)
                    for (int64_t i = 0; i < held; i += lanes)
                        store<T>(row + left + i, load(x + at + i));
                else
                    Base::copy(row + left, x + at, held);
                clear(row + left + held, cells - left - held);
            }
        const bool through = w[1].plain(), flat = w[0].plain();
        const int64_t set = w[2].parts * across;  // cells of a row, split
        T* const rows = wide.grow(reach[0] * reach[1] * set + lanes);
        for (int64_t z = 0; z < reach[0]; ++z)
            for (int64_t r = 0; r < reach[1]; ++r) {
                const bool last = through && flat;
                T* const at = last ? to + (z * k.tiles[1] + r) * k.tiles[2]
                                   : rows + (z * reach[1] + r) * set;
                const int64_t apart = last ? step : across;
                for (const Piece<T>& piece : w[2].pieces)
                    piece.form->split({padded + (z * reach[1] + r) * pitch + piece.base, 0, 0,
                                       at + piece.first * apart, apart, 0, 1, vectors});
            }
        if (through && flat) return;
        // the second axis, then the first
        const int64_t plane = k.tiles[1] * w[1].parts * set;
        const T* planes = rows;
        if (!through) {
            T* const h = flat ? to : tall.grow(reach[0] * plane + lanes);
            planes = h;
            for (int64_t z = 0; z < reach[0]; ++z)
                for (int64_t j = 0; j < k.tiles[1]; ++j)
                    for (const Piece<T>& piece : w[1].pieces) {
                        const T* d = rows + (z * reach[1] + w[1].m * j + piece.base) * set;
                        if (flat)
                            piece.form->forth({d, set, across,
                                               to + piece.first * w[2].parts * step +
                                                   (z * k.tiles[1] + j) * k.tiles[2],
                                               w[2].parts * step, step, w[2].parts, vectors});
                        else
                            piece.form->forth({d, set, 0,
                                               h + z * plane + (j * w[1].parts + piece.first) * set,
                                               set, 0, 1, w[2].parts * vectors});
                    }
        }
        if (flat) return;
        const int64_t inner = w[1].parts * w[2].parts;
        for (int64_t i = 0; i < k.tiles[0]; ++i)
            for (int64_t j = 0; j < k.tiles[1]; ++j)
                for (const Piece<T>& piece : w[0].pieces)
                    piece.form->forth({planes + (w[0].m * i + piece.base) * plane + j * inner * across,
                                       plane, across,
                                       to + piece.first * inner * step +
                                           (i * k.tiles[1] + j) * k.tiles[2],
                                       inner * step, step, inner, vectors});
    }

    // The parts of one piece of the first two axes: products, outputs, their rows written. Returns
    // where the next band's weights begin.
    const T* run_band(const Shape& shape, const Cut& t, const Block& k, int64_t group, int64_t first,
                      int64_t channels, int64_t p, const T* a, const T* panel, T* y) const {
        thread_local Buffer<T> products, rows;
        const int64_t last = size(2), plane = k.vectors * lanes;
        int64_t cells = 0;
        for (int64_t x = 0; x < last; ++x)
            cells += parts_of(p + x) * odd_lines(this->part_.data()[p + x].phases * channels * plane);
        products.grow(cells);
        const WinogradAxis<T>* const w = winograd_;
        const Part& part = this->part_.data()[p];
        const int64_t wide = plane * w[2].m;            // a row of all tiles, joined
        const int64_t slot = w[0].m * w[1].m * wide;    // one phase
        const int64_t outer = Base::size(part.axes[0]->phases) * Base::size(part.axes[1]->phases);
        rows.grow(outer * Base::size(last_phases_) * slot + 4 * lanes);
        T* to = products.data();
        for (int64_t x = 0; x < last; ++x) {
            const int64_t height = this->part_.data()[p + x].phases * channels;
            const int64_t apart = odd_lines(height * plane);
            a = multiply(t, p + x, height, k.width, plane, apart, a, panel, to);
            to += parts_of(p + x) * apart;
        }
        const bool later = this->layer_.activation > Activation::relu;
        for (int64_t c = 0; c < channels; ++c) {
            const T* from = products.data();
            const Finish<T> finish{this->bias_.data()[group * this->out_ + first + c],
                                   this->layer_.activation == Activation::relu};
            for (int64_t x = 0; x < last; ++x) {
                const std::vector<int64_t>& phases = part.axes[2][x].phases;
                const int64_t count = Base::size(phases);
                const int64_t apart = odd_lines(outer * count * channels * plane);
                for (int64_t o = 0; o < outer; ++o)
                    for (int64_t i = 0; i < count; ++i)
                        restore(p + x, k.vectors, from + ((o * count + i) * channels + c) * plane,
                                apart, finish,
                                rows.data() + (o * Base::size(last_phases_) + slot_of(phases[i])) * slot);
                from += parts_of(p + x) * apart;
            }
            if (later) this->activate(rows.data(), outer * Base::size(last_phases_) * slot);
            write_band(shape, k, part, group * this->out_ + first + c, rows.data(), slot, wide, y);
        }
        return a;
    }

    int64_t slot_of(int64_t phase) const {
        return std::lower_bound(last_phases_.begin(), last_phases_.end(), phase) -
               last_phases_.begin();
    }

    const T* multiply(const Cut& t, int64_t p, int64_t rows, int64_t width, int64_t plane,
                      int64_t apart, const T* a, const T* panel, T* products) const {
        static const int32_t nothing = 0;
        static const T zeros[max_rows] = {};
        const int64_t in = this->in_;
        const Piece<T>*const z = &piece(p, 0), *const y = &piece(p, 1), *const x = &piece(p, 2);
        T* to = products;
        const auto kernel = [](const Form<T>& form, int64_t e) { return form.kernels == 1 ? 0 : e; };
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
                        const int64_t height = Base::block_rows(rows, r);
                        Product<T> product{in, 1, t.plane, &nothing, weights,
                                           panel + e * t.panel_part, to + r * plane, plane, zeros,
                                           false};
                        this->sweep(product, height, width);
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
                y->back({from, x->parts * step, step, w, x->parts * plane, plane, x->parts, vectors});
                parts = w;
                apart = plane;
            }
            x->join({parts, apart, x->parts * apart, to, 0, x->m * plane, y->m, vectors}, finish);
            to += y->m * x->m * plane;
        }
    }

    // Rows of one channel, all phases of the last axis, to the output.
    void write_band(const Shape& shape, const Block& k, const Part& part,
                    int64_t channel, const T* rows, int64_t slot, int64_t wide, T* y) const {
        const int64_t *out = shape.output, *crop = shape.crop;
        const Axis* axes = this->layer_.axes;
        const WinogradAxis<T>* const w = winograd_;
        const auto &zs = part.axes[0]->phases, &ys = part.axes[1]->phases;
        const int64_t across = Base::size(last_phases_), stride = axes[2].stride;
        const int64_t at = k.start[2] * stride - crop[2];
        const int64_t begin = max(-at, 0), end = min(out[2] - at, k.count[2] * stride);
        const auto write = across == stride && end - begin >= lanes * stride ? writer(stride) : nullptr;
        for (int64_t n = 0; n < k.images; ++n) {
            T* const image = y + ((k.image + n) * this->layer_.out_channels + channel) *
                                     out[0] * out[1] * out[2];
            for (int64_t z = 0; z < k.count[0]; ++z)
                for (int64_t iz = 0; iz < Base::size(zs); ++iz) {
                    const int64_t oz = (k.start[0] + z) * axes[0].stride + zs[iz] - crop[0];
                    if (oz < 0 || oz >= out[0]) continue;
                    for (int64_t row = 0; row < k.count[1]; ++row)
                        for (int64_t iy = 0; iy < Base::size(ys); ++iy) {
                            const int64_t oy = (k.start[1] + row) * axes[1].stride + ys[iy] - crop[1];
                            if (oy < 0 || oy >= out[1]) continue;
                            const T* from =
                                rows + (iz * Base::size(ys) + iy) * across * slot +
                                (z % w[0].m * w[1].m + row % w[1].m) * wide +
                                ((n * k.tiles[0] + z / w[0].m) * k.tiles[1] + row / w[1].m) *
                                    k.tiles[2] * w[2].m;
                            T* const to = image + (oz * out[1] + oy) * out[2];
                            if (write)
                                write(to + at, begin, end, from, slot, out[0] * out[1] * out[2]);
                            else
                                Base::write_row(to, out[2], at, stride, last_phases_.data(), across,
                                                k.count[2], from, slot, false);
                        }
                }
        }
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

    // to[i] = from[i % S][i / S] for begin <= i < end: at least S vectors, aligned but for the ends,
    // which overlap. What is written `next` cells on is fetched.
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
            if constexpr (S == 3) {
                const V a = v[0], b = v[1], c = v[2];
                v[0] = interleaved<T, 0>(a, b, c);
                v[1] = interleaved<T, 1>(a, b, c);
                v[2] = interleaved<T, 2>(a, b, c);
            } else {
                interleave<T, S>(v);
            }
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
    int64_t all_parts_, kernels_;  // parts of the panel; kernels, counted for every phase
    std::vector<int64_t> last_phases_;
    Buffer<T> packed_;
};

}  // namespace tconv::TCONV_TARGET
