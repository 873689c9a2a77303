// The bindings to Python: reads buffers, checks them, and runs packed layers with the GIL released.
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

#include "api.hpp"
#include "runtime/kept_weights.hpp"
#include "bindings/xla.hpp"
#include "runtime/cpu.hpp"
#include "runtime/pool.hpp"
#include "runtime/same_bytes.hpp"

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
    int64_t cells() const { return view_.len / view_.itemsize; }

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

const Target& target_of(const std::string& name) {
    const Target* target = find_target(name);
    if (!target) refuse("this machine does not run the target " + name);
    return *target;
}

// What the shape of a weight, and its words, say of the layer.
template <class T>
Layer layer_of(const Buffer<T>& weight, int64_t groups, const Triple& stride,
               const Triple& dilation) {
    Layer layer;
    layer.groups = groups;
    layer.in_channels = weight.size(0);
    require(groups > 0 && weight.size(0) > 0 && weight.size(1) > 0, "channels and groups",
            "positive");
    require(weight.size(0) % groups == 0, "groups", "a divisor of the input channels");
    layer.out_channels = weight.size(1) * groups;
    int64_t kernel[spatial_axes];
    weight.spatial(2, weight.axes() - 2, kernel);
    for (int axis = 0; axis < spatial_axes; ++axis) {
        require(kernel[axis] > 0 && stride[axis] > 0 && dilation[axis] > 0,
                "kernel, stride and dilation", "positive");
        layer.axes[axis] = {kernel[axis], stride[axis], dilation[axis]};
    }
    return layer;
}

void check_sizes(const Shape& shape) {
    for (int axis = 0; axis < spatial_axes; ++axis)
        require(shape.input[axis] > 0 && shape.output[axis] > 0, "sizes", "positive");
}

// The sizes of one call, where x (N, C_in, *input) and y (N, C_out, *output) fit the layer.
template <class X, class Y>
Shape shape_of(const Layer& layer, const Buffer<X>& x, const Buffer<Y>& y, const Triple& crop) {
    const int axes = x.axes(), channel = layer.layout == Layout::channels_last ? axes - 1 : 1;
    require(x.size(channel) == layer.in_channels, "x", "of as many channels as the weight reads");
    require(y.size(channel) == layer.out_channels, "y", "of as many channels as the weight makes");
    require(x.size(0) == y.size(0), "y", "of the same batch as x");
    Shape shape;
    shape.batch = x.size(0);
    const int first = channel == 1 ? 2 : 1;
    x.spatial(first, axes - 2, shape.input);
    y.spatial(first, axes - 2, shape.output);
    std::copy(crop.begin(), crop.end(), shape.crop);
    check_sizes(shape);
    return shape;
}

const Parallel& pool_parallel() {
    static const Parallel parallel = run_tasks;
    return parallel;
}

template <class T>
class PlanBinding {
  public:
    PlanBinding(const std::string& target_name, nb::handle weight_array, nb::handle bias_array,
         int64_t groups, const Triple& stride, const Triple& dilation, int activation,
         double alpha, bool once, bool channels_last, int method, bool direct)
        : weight_("weight", weight_array, 3, 2 + spatial_axes) {
        const Target& target = target_of(target_name);
        axes_ = weight_.axes();
        layer_ = layer_of(weight_, groups, stride, dilation);
        require(activation >= 0 && activation < static_cast<int>(Activation::count), "activation",
                "one of those known");
        layer_.activation = static_cast<Activation>(activation);
        layer_.alpha = alpha;
        layer_.once = once;
        layer_.direct = direct;
        layer_.layout = channels_last ? Layout::channels_last : Layout::channels_first;
        methods_ = static_cast<Method>(target.algorithms.size());
        require(method >= 0 && method <= methods_, "method", "one of those known");
        layer_.method = method;
        if (!bias_array.is_none()) {
            bias_.emplace("bias", bias_array, 1, 1);
            require(bias_->size(0) == layer_.out_channels, "bias", "one number an output channel");
        }
        const T* bias = bias_ ? bias_->data() : nullptr;
        if constexpr (std::is_same_v<T, float>)
            plan_ = target.plan_f32(layer_, weight_.data(), bias);
        else
            plan_ = target.plan_f64(layer_, weight_.data(), bias);
    }

    void run(nb::handle x_array, nb::handle y_array, const Triple& crop) const {
        const Buffer<const T> x("x", x_array, axes_, axes_);
        const Buffer<T> y("y", y_array, axes_, axes_, true);
        const Shape shape = shape_of(layer_, x, y, crop);
        require(!y.meets(x) && !y.meets(weight_) && !(bias_ && y.meets(*bias_)), "y",
                "apart from what is read");
        if (shape.batch == 0) return;
        nb::gil_scoped_release free;
        plan_->run(shape, x.data(), y.data(), pool::num_threads(), pool_parallel());
    }

    // The method taken for a shape (automatic: the definition), and of each method why it cannot run,
    // or its costs: products, other operations, bytes, packing, tasks, and the whole of the slowest
    // thread.
    std::pair<int, std::vector<std::pair<std::string, std::vector<double>>>> explain(
        int64_t batch, const Triple& input, const Triple& crop, const Triple& output) const {
        Shape shape;
        shape.batch = batch;
        std::copy(input.begin(), input.end(), shape.input);
        std::copy(crop.begin(), crop.end(), shape.crop);
        std::copy(output.begin(), output.end(), shape.output);
        check_sizes(shape);
        std::vector<std::pair<std::string, std::vector<double>>> said;
        for (Method m = 1; m <= methods_; ++m) {
            const Estimate all = plan_->estimate(m, shape, pool::num_threads());
            const Cost& c = all.cost;
            if (all.unsupported_reason)
                said.push_back({all.unsupported_reason, {}});
            else
                said.push_back({"", {c.products, c.others, c.bytes, c.packing,
                                     static_cast<double>(c.tasks), all.operations}});
        }
        return {plan_->choose(shape), said};
    }

  private:
    Layer layer_;
    Method methods_;
    int axes_ = 2 + spatial_axes;
    Buffer<const T> weight_;
    std::optional<Buffer<const T>> bias_;
    std::unique_ptr<tconv::Plan<T>> plan_;
};

// The direct convolution, its weights packed.
template <class T>
class Adjoint {
  public:
    Adjoint(const std::string& target_name, nb::handle weight_array, nb::handle bias_array,
            int64_t groups, const Triple& stride, const Triple& dilation) {
        const Target& target = target_of(target_name);
        const Buffer<const T> weight("weight", weight_array, 3, 2 + spatial_axes);
        axes_ = weight.axes();
        layer_ = layer_of(weight, groups, stride, dilation);
        std::optional<Buffer<const T>> bias;
        if (!bias_array.is_none()) {
            bias.emplace("bias", bias_array, 1, 1);
            require(bias->size(0) == layer_.in_channels, "bias", "one number an input channel");
        }
        const T* first = bias ? bias->data() : nullptr;
        if constexpr (std::is_same_v<T, float>)
            packed_ = target.adjoint_f32(layer_, weight.data(), first);
        else
            packed_ = target.adjoint_f64(layer_, weight.data(), first);
    }

    void run(nb::handle y_array, nb::handle x_array, const Triple& crop) const {
        const Buffer<const T> y("y", y_array, axes_, axes_);
        const Buffer<T> x("x", x_array, axes_, axes_, true);
        const Shape shape = shape_of(layer_, x, y, crop);
        require(!x.meets(y), "x", "apart from what is read");
        if (shape.batch == 0) return;
        nb::gil_scoped_release free;
        packed_->run(shape, y.data(), x.data(), pool::num_threads(), pool_parallel());
    }

  private:
    Layer layer_;
    int axes_;
    std::unique_ptr<Packed<T>> packed_;
};

// Fills the gradient (C_in, C_out/groups, *kernel) from x (N, C_in, *input) and y (N, C_out, *output).
template <class T>
void weight_gradient(const std::string& target_name, nb::handle x_array, nb::handle y_array,
                     nb::handle gradient_array, int64_t groups, const Triple& stride,
                     const Triple& dilation, const Triple& crop) {
    const Target& target = target_of(target_name);
    const Buffer<T> gradient("gradient", gradient_array, 3, 2 + spatial_axes, true);
    const Layer layer = layer_of(gradient, groups, stride, dilation);
    const Buffer<const T> x("x", x_array, gradient.axes(), gradient.axes());
    const Buffer<const T> y("y", y_array, gradient.axes(), gradient.axes());
    const Shape shape = shape_of(layer, x, y, crop);
    require(!gradient.meets(x) && !gradient.meets(y), "gradient", "apart from what is read");
    if (shape.batch == 0) {
        std::fill_n(gradient.data(), gradient.cells(), T(0));
        return;
    }
    nb::gil_scoped_release free;
    if constexpr (std::is_same_v<T, float>)
        target.gradient_f32(layer, shape, x.data(), y.data(), gradient.data(), pool_parallel());
    else
        target.gradient_f64(layer, shape, x.data(), y.data(), gradient.data(), pool_parallel());
}

template <class T>
void define_adjoint(nb::module_& module, const char* name, const char* gradient_name) {
    using nb::literals::operator""_a;
    nb::class_<Adjoint<T>>(module, name)
        .def(nb::init<const std::string&, nb::handle, nb::handle, int64_t, const Triple&,
                      const Triple&>(),
             "target"_a, "weight"_a, "bias"_a.none(), "groups"_a, "stride"_a, "dilation"_a)
        .def("run", &Adjoint<T>::run, "y"_a, "x"_a, "crop"_a);
    module.def(gradient_name, &weight_gradient<T>, "target"_a, "x"_a, "y"_a, "gradient"_a,
               "groups"_a, "stride"_a, "dilation"_a, "crop"_a);
}

template <class T>
void define_plan(nb::module_& module, const char* name) {
    using nb::literals::operator""_a;
    nb::class_<PlanBinding<T>>(module, name)
        .def(nb::init<const std::string&, nb::handle, nb::handle, int64_t, const Triple&,
                      const Triple&, int, double, bool, bool, int, bool>(),
             "target"_a, "weight"_a, "bias"_a.none(), "groups"_a, "stride"_a, "dilation"_a,
             "activation"_a, "alpha"_a, "once"_a = false,
             "channels_last"_a = false, "method"_a = 0, "direct"_a = false)
        .def("run", &PlanBinding<T>::run, "x"_a, "y"_a, "crop"_a)
        .def("explain", &PlanBinding<T>::explain, "batch"_a, "input_size"_a, "crop"_a,
             "output_size"_a);
}

std::vector<std::string> target_names() {
    std::vector<std::string> names;
    for (const Target* target : runnable_targets()) names.emplace_back(target->name);
    return names;
}

// The methods' names in their order, from method 1 on.
std::vector<std::string> algorithm_names() {
    std::vector<std::string> names;
    for (const AlgorithmInfo& one : target_baseline().algorithms) names.emplace_back(one.name);
    return names;
}

// What the cost model takes an operation of memory for, and of each algorithm a product and another.
std::pair<double, std::vector<std::pair<double, double>>> costs(const std::string& target_name) {
    const Target& target = target_of(target_name);
    std::vector<std::pair<double, double>> all;
    for (const AlgorithmInfo& one : target.algorithms) all.emplace_back(one.product, one.other);
    return {target.bytes_per_operation, all};
}

// The bytes of a C-contiguous array of anything, held while this lives.
class Bytes {
  public:
    Bytes(const char* name, nb::handle array) {
        if (PyObject_GetBuffer(array.ptr(), &view_, PyBUF_C_CONTIGUOUS) != 0) {
            PyErr_Clear();
            refuse(std::string(name) + " must be a C-contiguous array");
        }
    }
    ~Bytes() { PyBuffer_Release(&view_); }
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;

    const char* data() const { return static_cast<const char*>(view_.buf); }
    int64_t size() const { return view_.len; }

  private:
    Py_buffer view_{};
};

// Whether two arrays hold the same bytes.
bool hold_same_bytes(nb::handle one_array, nb::handle other_array) {
    const Bytes one("one", one_array), other("other", other_array);
    if (one.size() != other.size()) return false;
    nb::gil_scoped_release free;
    return tconv::same_bytes(one.data(), other.data(), one.size(), check_signals);
}

int lanes(const std::string& target_name) { return target_of(target_name).lanes; }

double speed(const std::string& target_name) {
    const Target& target = target_of(target_name);
    nb::gil_scoped_release free;
    return target.speed();
}

// The functions that XLA calls, by name, which from now on run this target.
nb::dict xla_functions(const std::string& target_name, int minor_version) {
    xla::set_up(target_of(target_name), minor_version);
    nb::dict all;
    for (const xla::Named& one : xla::functions())
        all[one.name] = nb::capsule(reinterpret_cast<void*>(one.function));
    return all;
}

std::pair<int64_t, int64_t> kept_weights() {
    const kept::Held held = kept::held();
    return {held.layers, held.bytes};
}

void translate(const std::exception_ptr& thrown, void*) {
    try {
        std::rethrow_exception(thrown);
    } catch (const OutOfMemory&) {
        PyErr_NoMemory();
    } catch (const Unsupported& unsupported) {
        PyErr_SetString(PyExc_ValueError, unsupported.reason);
    }
}

}  // namespace
}  // namespace tconv

NB_MODULE(_native, module) {
    nb::set_leak_warnings(false);  // a plan kept in a global is no leak worth a word at exit
    nb::register_exception_translator(tconv::translate);
    module.def("targets", &tconv::target_names);
    module.def("algorithms", &tconv::algorithm_names);
    module.def("costs", &tconv::costs, nb::arg("target"));
    module.def("lanes", &tconv::lanes, nb::arg("target"));
    module.def("speed", &tconv::speed, nb::arg("target"));
    module.def("compiler", &tconv::compiler);
    module.def("get_num_threads", &tconv::pool::num_threads);
    module.def("set_num_threads", &tconv::pool::set_num_threads);
    module.def("xla_functions", &tconv::xla_functions, nb::arg("target"),
               nb::arg("minor_version"));
    module.def("kept_weights", &tconv::kept_weights);
    module.def("forget_weights", &tconv::kept::forget);
    module.def("set_host", [](uintptr_t address) {
        tconv::pool::set_host(reinterpret_cast<tconv::pool::ParallelFor>(address));
    });
    module.def("set_hosted_threads", &tconv::pool::set_hosted_threads);
    module.def("same_bytes", &tconv::hold_same_bytes, nb::arg("one"), nb::arg("other"));
    tconv::define_plan<float>(module, "PlanF32");
    tconv::define_plan<double>(module, "PlanF64");
    tconv::define_adjoint<float>(module, "AdjointF32", "weight_gradient_f32");
    tconv::define_adjoint<double>(module, "AdjointF64", "weight_gradient_f64");
}
