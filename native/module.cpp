// The door to Python: reads buffers, checks them, and runs packed layers with the GIL released.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpu.hpp"
#include "engine.hpp"
#include "pool.hpp"

namespace nb = nanobind;

namespace tconv {
namespace {

using Triple = std::array<int64_t, 3>;

constexpr int spatial_axes = 3;

std::string compiler() {
#if defined(__clang__)
    return "Clang " __clang_version__;
#else
    return "GCC " __VERSION__;
#endif
}

[[noreturn]] void refuse(const std::string& what) { throw nb::value_error(what.c_str()); }

void require(bool holds, const char* name, const char* must) {
    if (!holds) refuse(std::string(name) + " must be " + must);
}

// A C-contiguous array of T, held while this lives.
template <class T>
class Buffer {
  public:
    Buffer(const char* name, nb::handle array, int least_axes, int most_axes,
           bool writable = false) {
        const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(array.ptr(), &view_, flags) != 0) {
            PyErr_Clear();
            refuse(std::string(name) + " must be a C-contiguous " +
                   (writable ? "writable " : "") + "array");
        }
        try {
            check(name, least_axes, most_axes);
        } catch (...) {
            PyBuffer_Release(&view_);
            throw;
        }
    }
    ~Buffer() { PyBuffer_Release(&view_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    T* data() const { return static_cast<T*>(view_.buf); }
    int axes() const { return view_.ndim; }
    template <class U>
    bool meets(const Buffer<U>& other) const {
        const auto* low = reinterpret_cast<const char*>(data());
        const auto* other_low = reinterpret_cast<const char*>(other.data());
        return low < other_low + other.bytes() && other_low < low + bytes();
    }
    int64_t bytes() const { return view_.len; }
    int64_t size(int axis) const { return view_.shape[axis]; }

    // `count` sizes from `first` on, with leading ones.
    void spatial(int first, int count, int64_t* sizes) const {
        std::fill_n(sizes, spatial_axes, int64_t{1});
        std::copy_n(view_.shape + first, count, sizes + spatial_axes - count);
    }

  private:
    void check(const char* name, int least_axes, int most_axes) const {
        const char code = std::is_same_v<std::remove_const_t<T>, float> ? 'f' : 'd';
        const char* format = view_.format ? view_.format : "B";
        require(format[0] == code && format[1] == '\0', name,
                code == 'f' ? "float32" : "float64");
        require(view_.ndim >= least_axes && view_.ndim <= most_axes, name,
                "of as many axes as the weight");
        require(reinterpret_cast<uintptr_t>(view_.buf) % alignof(T) == 0, name, "aligned");
    }

    Py_buffer view_{};
};

// Lets Ctrl-C end a long run, between tasks of the calling thread.
void check_signals() {
    nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

void run_tasks(int64_t tasks, const std::function<void(int64_t)>& body) {
    pool::run(tasks, body, check_signals);
}

template <class T>
class Plan {
  public:
    Plan(const std::string& target_name, nb::handle weight_array, nb::handle bias_array,
         int64_t groups, const Triple& stride, const Triple& dilation, int activation,
         double alpha, bool once, bool channels_last, int method)
        : weight_("weight", weight_array, 3, 2 + spatial_axes) {
        const Target* target = find_target(target_name);
        if (!target) refuse("this machine does not run the target " + target_name);
        const Buffer<const T>& weight = weight_;
        axes_ = weight.axes();
        layer_.groups = groups;
        layer_.in_channels = weight.size(0);
        require(groups > 0 && weight.size(0) > 0 && weight.size(1) > 0, "channels and groups",
                "positive");
        require(weight.size(0) % groups == 0, "groups", "a divisor of the input channels");
        layer_.out_channels = weight.size(1) * groups;
        set_axes(weight, stride, dilation);
        require(activation >= 0 && activation <= static_cast<int>(Activation::silu), "activation",
                "one of those known");
        layer_.activation = static_cast<Activation>(activation);
        layer_.alpha = alpha;
        layer_.once = once;
        layer_.layout = channels_last ? Layout::channels_last : Layout::channels_first;
        require(method >= 0 && method < methods, "method", "one of those known");
        layer_.method = static_cast<Method>(method);
        if (!bias_array.is_none()) {
            bias_.emplace("bias", bias_array, 1, 1);
            require(bias_->size(0) == layer_.out_channels, "bias", "one number an output channel");
        }
        const T* bias = bias_ ? bias_->data() : nullptr;
        if constexpr (std::is_same_v<T, float>)
            chosen_ = target->plan_f32(layer_, weight.data(), bias);
        else
            chosen_ = target->plan_f64(layer_, weight.data(), bias);
    }

    void run(nb::handle x_array, nb::handle y_array, const Triple& crop) const {
        const Buffer<const T> x("x", x_array, axes_, axes_);
        const Buffer<T> y("y", y_array, axes_, axes_, true);
        const int channel = layer_.layout == Layout::channels_last ? axes_ - 1 : 1;
        require(x.size(channel) == layer_.in_channels, "x", "of as many channels as the weight reads");
        require(y.size(channel) == layer_.out_channels, "y", "of as many channels as the weight makes");
        require(x.size(0) == y.size(0), "y", "of the same batch as x");
        require(!y.meets(x) && !y.meets(weight_) && !(bias_ && y.meets(*bias_)), "y",
                "apart from what is read");
        Shape shape;
        shape.batch = x.size(0);
        const int first = channel == 1 ? 2 : 1;
        x.spatial(first, axes_ - 2, shape.input);
        y.spatial(first, axes_ - 2, shape.output);
        std::copy(crop.begin(), crop.end(), shape.crop);
        check_sizes(shape);
        if (shape.batch == 0) return;
        static const Parallel parallel = run_tasks;
        nb::gil_scoped_release free;
        chosen_->run(shape, x.data(), y.data(), pool::num_threads(), parallel);
    }

    // The method taken for a shape, and of each method why it cannot run, or its costs: products,
    // other operations, bytes, packing, tasks, and the whole of the slowest thread.
    std::pair<int, std::vector<std::pair<std::string, std::vector<double>>>> explain(
        int64_t batch, const Triple& input, const Triple& crop, const Triple& output) const {
        Shape shape;
        shape.batch = batch;
        std::copy(input.begin(), input.end(), shape.input);
        std::copy(crop.begin(), crop.end(), shape.crop);
        std::copy(output.begin(), output.end(), shape.output);
        check_sizes(shape);
        std::vector<std::pair<std::string, std::vector<double>>> said;
        for (int m = 1; m < methods; ++m) {
            const Prospect all =
                chosen_->prospect(static_cast<Method>(m), shape, pool::num_threads());
            const Cost& c = all.cost;
            if (all.refusal)
                said.push_back({all.refusal, {}});
            else
                said.push_back({"", {c.products, c.others, c.bytes, c.packing,
                                     static_cast<double>(c.tasks), all.operations}});
        }
        return {static_cast<int>(chosen_->choose(shape)), said};
    }

  private:
    void set_axes(const Buffer<const T>& weight, const Triple& stride, const Triple& dilation) {
        int64_t kernel[spatial_axes];
        weight.spatial(2, axes_ - 2, kernel);
        for (int axis = 0; axis < spatial_axes; ++axis) {
            require(kernel[axis] > 0 && stride[axis] > 0 && dilation[axis] > 0,
                    "kernel, stride and dilation", "positive");
            layer_.axes[axis] = {kernel[axis], stride[axis], dilation[axis]};
        }
    }

    static void check_sizes(const Shape& shape) {
        for (int axis = 0; axis < spatial_axes; ++axis)
            require(shape.input[axis] > 0 && shape.output[axis] > 0, "sizes", "positive");
    }

    Layer layer_;
    int axes_ = 2 + spatial_axes;
    Buffer<const T> weight_;
    std::optional<Buffer<const T>> bias_;
    std::unique_ptr<Chosen<T>> chosen_;
};

template <class T>
void define_plan(nb::module_& module, const char* name) {
    using nb::literals::operator""_a;
    nb::class_<Plan<T>>(module, name)
        .def(nb::init<const std::string&, nb::handle, nb::handle, int64_t, const Triple&,
                      const Triple&, int, double, bool, bool, int>(),
             "target"_a, "weight"_a, "bias"_a.none(), "groups"_a, "stride"_a, "dilation"_a,
             "activation"_a, "alpha"_a, "once"_a = false,
             "channels_last"_a = false, "method"_a = 0)
        .def("run", &Plan<T>::run, "x"_a, "y"_a, "crop"_a)
        .def("explain", &Plan<T>::explain, "batch"_a, "input_size"_a, "crop"_a,
             "output_size"_a);
}

std::vector<std::string> target_names() {
    std::vector<std::string> names;
    for (const Target* target : runnable_targets()) names.emplace_back(target->name);
    return names;
}

int lanes(const std::string& target_name) {
    const Target* target = find_target(target_name);
    if (!target) refuse("this machine does not run the target " + target_name);
    return target->lanes;
}

double speed(const std::string& target_name) {
    const Target* target = find_target(target_name);
    if (!target) refuse("this machine does not run the target " + target_name);
    nb::gil_scoped_release free;
    return target->speed();
}

void translate(const std::exception_ptr& thrown, void*) {
    try {
        std::rethrow_exception(thrown);
    } catch (const OutOfMemory&) {
        PyErr_NoMemory();
    } catch (const Refused& refused) {
        PyErr_SetString(PyExc_ValueError, refused.why);
    }
}

}  // namespace
}  // namespace tconv

NB_MODULE(_native, module) {
    nb::set_leak_warnings(false);  // a plan kept in a global is no leak worth a word at exit
    nb::register_exception_translator(tconv::translate);
    module.def("targets", &tconv::target_names);
    module.def("lanes", &tconv::lanes, nb::arg("target"));
    module.def("speed", &tconv::speed, nb::arg("target"));
    module.def("compiler", &tconv::compiler);
    module.def("get_num_threads", &tconv::pool::num_threads);
    module.def("set_num_threads", &tconv::pool::set_num_threads);
    tconv::define_plan<float>(module, "PlanF32");
    tconv::define_plan<double>(module, "PlanF64");
}
