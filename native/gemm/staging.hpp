// Output staging: rows of the output are computed into a buffer that fits the caches. While the next
// ones are computed, they are written to memory, a few vectors at a time, so that products never
// wait for memory.
#pragma once

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

// Staged vectors to be written side by side, to an aligned place.
template <class T>
struct WriteBack {
    const T* from = nullptr;
    T* to = nullptr;
    int64_t vectors = 0;
    bool nontemporal = false;
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

// Two buffers: one is computed while the other is written.
template <class T>
class OutputStaging {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    // For at most so many cells and rows at a time.
    OutputStaging(Scratch& frame, int64_t cells, int64_t rows, bool nontemporal)
        : nontemporal_(nontemporal) {
        for (T*& buffer : buffer_) buffer = frame.take<T>(cells + lanes);
        row_ = end_row_ = rows_ = frame.take<Row>(rows);
    }

    bool nontemporal() const { return nontemporal_; }

    // Where to compute the next cells, with room for a vector beyond them.
    T* buffer() const { return buffer_[now_]; }

    // What to write beside products that make so many vectors.
    WriteBack<T> write_back(int64_t vectors) {
        due_ += vectors;
        for (; row_ < end_row_; ++row_) {
            Row& row = *row_;
            const int64_t past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(row.to) %
                                                      TCONV_VECTOR_BYTES / sizeof(T));
            if (past) put(row, lanes - past);
            const int64_t whole = (row.end - row.from) / lanes;
            if (whole) {
                const int64_t now = whole < due_ ? whole : due_;
                const WriteBack<T> next{row.from, row.to, now, nontemporal_};
                row.from += now * lanes;
                row.to += now * lanes;
                due_ -= now;
                return next;
            }
            put(row, lanes);
        }
        return {};
    }

    // Writes all that waits.
    void finish() {
        while (row_ < end_row_) {
            WriteBack<T> rest = write_back(1);
            rest.write(rest.vectors);
        }
        row_ = end_row_ = rows_;
        due_ = 0;
    }

    // Cells of the buffer now computed that belong there; they follow those added before.
    void add(T* to, int64_t cells) {
        const T* const from = end_row_ == rows_ ? buffer() : end_row_[-1].end;
        *end_row_++ = {from, from + cells, to};
    }

    // What was added waits from here on, and the other buffer is computed.
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

    T* buffer_[2];
    Row *rows_, *row_, *end_row_;  // that wait: all, those not yet written
    int64_t due_ = 0;              // vectors that should have been written
    int now_ = 0;
    bool nontemporal_;
};

}  // namespace tconv::TCONV_TARGET
