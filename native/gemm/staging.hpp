// Rows of the output on their way to memory: while one strip of them is computed in the caches, the
// strip before is written, a few vectors at a time, so that products never wait for memory.
#pragma once

#include <vector>

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

// Vectors to be written side by side, to an aligned place.
template <class T>
struct Flow {
    const T* from;
    T* to;
    int64_t vectors;
    bool nontemporal;  // past the caches
    int64_t written = 0;

    TCONV_INLINE void write(int64_t most) {
        constexpr int64_t lanes = Lanes<T>::count;
        int64_t i = written * lanes;
        written = written + most < vectors ? written + most : vectors;
        const int64_t end = written * lanes;
        if (nontemporal)
            for (; i < end; i += lanes) store_nontemporal<T>(to + i, load<T>(from + i));
        else
            for (; i < end; i += lanes) store<T>(to + i, load<T>(from + i));
    }
};

template <class T>
class Strips {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    // Forgets what waits.
    void start(bool nontemporal) {
        nontemporal_ = nontemporal;
        rows_.clear();
        row_ = 0;
        due_ = 0;
    }

    bool nontemporal() const { return nontemporal_; }

    // Room to compute the next strip, with a vector beyond it.
    T* room(int64_t cells) { return strip_[now_].grow(cells + lanes); }

    // What to write beside products that make so many vectors.
    Flow<T> flow(int64_t vectors) {
        due_ += vectors;
        for (; row_ < rows_.size(); ++row_) {
            Row& row = rows_[row_];
            const int64_t past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(row.to) %
                                                      TCONV_VECTOR_BYTES / sizeof(T));
            if (past) put(row, lanes - past);
            const int64_t whole = (row.end - row.from) / lanes;
            if (whole) {
                const int64_t now = whole < due_ ? whole : due_;
                const Flow<T> flow{row.from, row.to, now, nontemporal_};
                row.from += now * lanes;
                row.to += now * lanes;
                due_ -= now;
                return flow;
            }
            put(row, lanes);
        }
        return {nullptr, nullptr, 0, nontemporal_};
    }

    // Writes all that waits.
    void finish() {
        while (row_ < rows_.size()) {
            Flow<T> rest = flow(1);
            rest.write(rest.vectors);
        }
        start(nontemporal_);
    }

    // Cells of the strip now computed that belong there; they follow those added before.
    void add(T* to, int64_t cells) {
        const T* const from = rows_.empty() ? strip_[now_].data() : rows_.back().end;
        rows_.push_back({from, from + cells, to});
    }

    // The strip now computed waits from here on.
    void swap() { now_ = 1 - now_; }

  private:
    struct Row {
        const T *from, *end;
        T* to;
    };

    // At most so many cells, fewer than a vector.
    static void put(Row& row, int64_t cells) {
        if (row.end - row.from < cells) cells = row.end - row.from;
        store_first<T>(row.to, load_first<T>(row.from, cells), cells);
        row.from += cells;
        row.to += cells;
    }

    Buffer<T> strip_[2];
    std::vector<Row> rows_;  // of the strip that waits
    size_t row_ = 0;         // the first that is not yet written
    int64_t due_ = 0;        // vectors that should have been written
    int now_ = 0;
    bool nontemporal_ = false;
};

}  // namespace tconv::TCONV_TARGET
