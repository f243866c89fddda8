"""Checks of nbs/12b_repeated.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from matplotlib import pyplot as plt
from t2ibook.core import InputError
from t2ibook.core import generator
from t2ibook.layers import lstm_update
from t2ibook.repeated import (
    Product,
    Repeated,
    _Pointwise,
    _Room,
    _Tanh,
    _Tickets,
    _Use,
    _packs,
    _smallest,
    _tanh,
    can_pack,
    lstm_pointwise,
    packing_from,
    tanh,
    without_packing,
)
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
import math
import time
import torch


def little_net(dtype=torch.float64, seed=0):
    "Two maps of one state, and a third that makes the next state of both and an input."
    torch.manual_seed(seed)
    return nn.ModuleDict({"a": nn.Linear(5, 3), "b": nn.Linear(5, 4), "c": nn.Linear(12, 5)}).to(dtype)


def little_run(net, x, repeated, skip=()):
    "Three times of it; the outputs of `b` at the times in `skip` are not used."
    heads, mix = lambda h: {k: net[k](h) for k in "ab"}, lambda *parts: net["c"](torch.cat(parts, 1))
    if repeated: heads, mix = Repeated({k: net[k] for k in "ab"}, 3), Repeated(net["c"], 3)
    h, total = x[:, 0], 0
    for t in range(3):
        out = heads(h)
        h = torch.tanh(mix(out["a"], out["b"] * (t not in skip), x[:, t]))
        total = total + out["a"].square().sum() + h.sum()
    return total


# cell 24e287b9
def test_packed_weights_give_the_same_product():
    x, weight, bias = (torch.randn(*shape, generator=generator(0, str(shape))) for shape in ((7, 33), (21, 33), (21,)))
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 0.05)):
        a, b, c = x.to(dtype), weight.to(dtype), bias.to(dtype)
        slow = torch.stack([(b.double() @ row) + c.double() for row in a.double()])
        with without_packing(): plain = Product(b, 7)
        with packing_from(0): packed = Product(b, 7), Product(b, 100), Product(b.T.contiguous().T, 7)
        assert not plain.packed and all(product.packed == can_pack(dtype) for product in packed)
        for product in (plain, *packed):
            assert (product(a, c).double() - slow).abs().max() < tolerance * slow.abs().max()
        with packing_from(0): back = Product(b.T, 7)
        assert (back(product(a), None).double() - (slow - c.double()) @ b.double()).abs().max() < 5 * tolerance * slow.abs().max()
    assert not can_pack(torch.float64) and not Product(weight, 7).packed and Product(torch.zeros(512, 512), 7).packed == can_pack(torch.float32)



# cell 3638f239
def test_it_is_the_layers_one_by_one():
    net, x = little_net(), torch.randn(2, 3, 5, generator=generator(0, "x"), dtype=torch.float64)
    for skip in ((), (0,), (1, 2)):
        results = []
        for repeated in (False, True):
            net.zero_grad(); y = x.clone().requires_grad_()
            loss = little_run(net, y, repeated, skip)
            loss.backward()
            results.append([loss.detach(), y.grad, *(p.grad for p in net.parameters())])
        for slow, fast in zip(*results): torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-12)
    assert torch.autograd.gradcheck(lambda x, *ps: little_run(net, x, True), (x.clone().requires_grad_(), *net.parameters()))
    wrong = next(iter(net["c"].parameters())).grad.clone()
    little_run(net, x, True).backward()                                          # gradients add up, as always
    assert not torch.allclose(net["c"].weight.grad, wrong)



# cell e1766e07
def test_passes_do_not_disturb_each_other():
    net, x = little_net(torch.float32), torch.randn(2, 3, 5, generator=generator(1, "x"))
    gradients = lambda: [p.grad.clone() for p in net.parameters()]
    def slow(*inputs):
        net.zero_grad()
        for one in inputs: little_run(net, one, False).backward()
        return gradients()
    close = lambda expected, **kw: [torch.testing.assert_close(g, e, **({"rtol": 1e-5, "atol": 1e-5} | kw)) for g, e in zip(gradients(), expected)]
    expected = slow(x, 2 * x)
    net.zero_grad(); first, second = (little_run(net, one, True) for one in (x, 2 * x))
    second.backward(); first.backward(); close(expected)                         # two passes alive at once
    net.zero_grad(); first = little_run(net, x, True)
    first.backward(retain_graph=True); first.backward(); close(slow(x, x))       # a second backward
    net.zero_grad(); y = x.clone().requires_grad_(); first = little_run(net, y, True)
    torch.autograd.grad(first, y, retain_graph=True)                             # the weights were not asked for, and nothing is left behind
    first.backward(); close(slow(x))
    with torch.no_grad(): assert torch.allclose(little_run(net, x, True), little_run(net, x, False))
    net.requires_grad_(False); y = x.clone().requires_grad_()
    a, b = (torch.autograd.grad(little_run(net, y, repeated), y)[0] for repeated in (True, False))
    torch.testing.assert_close(a, b)                                             # frozen weights pass gradients on
    net.requires_grad_(True)
    expected = slow(x); net.zero_grad()
    with torch.autocast("cpu", torch.bfloat16): loss = little_run(net, x, True)
    loss.backward()
    assert loss.dtype == torch.float32 and all(g.dtype == torch.float32 for g in gradients())
    close(expected, rtol=0.05, atol=0.1)
    for packed in (True, False):                                                 # an optimiser may move the weights before the backward pass
        expected, _ = slow(x), net.zero_grad()
        with packing_from(0) if packed else without_packing():
            loss, before = little_run(net, x, True), [p.detach().clone() for p in net.parameters()]
            with torch.no_grad(): [p.zero_() for p in net.parameters()]
            loss.backward(); close(expected)
            with torch.no_grad(): [p.copy_(b) for p, b in zip(net.parameters(), before)]



# cell 0e22cb4c
def test_unused_times_and_unused_outputs():
    net, x = little_net(), torch.randn(4, 2, 5, generator=generator(2, "x"), dtype=torch.float64)
    use = Repeated({"a": net["a"], "b": net["b"]}, 9)                            # made for nine, used four times, one of them in vain
    outputs = [use(row) for row in x]
    (outputs[0]["a"].sum() + outputs[2]["b"].square().sum() + outputs[3]["a"].sum()).backward()
    expected = torch.autograd.grad(net["a"](x[[0, 3]]).sum() + net["b"](x[2]).square().sum(), [net[k].weight for k in "ab"])
    for k, e in zip("ab", expected): torch.testing.assert_close(net[k].weight.grad, e)
    seen = []
    handle = net["a"].register_forward_hook(lambda module, inputs, output: seen.append(output))
    watched = Repeated({"a": net["a"], "b": net["b"]}, 1)(x[0])
    handle.remove()
    assert len(seen) == 1 and torch.equal(watched["a"], seen[0]) and torch.allclose(watched["b"], outputs[0]["b"])
    used_up = Repeated(net["a"], 1)
    used_up(x[0])
    for call, wanted in ((lambda: used_up(x[0]), "used once more"), (lambda: Repeated({"a": net["a"], "c": net["c"]}, 1), "one width"),
                         (lambda: Repeated(nn.Linear(2, 2, bias=False), 1), "bias=True")):
        try: call(); message = ""
        except InputError as error: message = str(error)
        assert wanted in message



# cell 3e77819e
def test_memory_is_given_back():
    import gc, weakref
    gc.disable()
    net, x = little_net(), torch.randn(2, 5, dtype=torch.float64)
    use = Repeated(net["a"], 2)
    y = use(x).sum() + use(x).sum()
    room = weakref.ref(use.room)
    y.backward(); del use, y
    gone = room() is None                                                        # without the collector: there is no circle of references
    gc.enable()
    assert gone



# cell 354f6c91
def test_the_gradients_are_those_of_autograd():
    gen = generator(0, "lstm")
    for shape in ((3, 4), (2, 3, 4)):
        gates, cell = (torch.randn(*shape[:-1], n * 4, generator=gen, dtype=torch.float64).requires_grad_() for n in (4, 1))
        assert torch.autograd.gradcheck(lstm_pointwise, (gates, cell))
        for part in (0, 1):                                                      # also if only the state, or only the cell, is used
            ours, theirs = (update(gates, cell)[part] for update in (lstm_pointwise, lstm_update))
            torch.testing.assert_close(ours, theirs)
            for a, b in zip(*(torch.autograd.grad(out.square().sum(), (gates, cell)) for out in (ours, theirs))): torch.testing.assert_close(a, b)



# cell db8db04a
def test_tanh_by_way_of_the_sigmoid():
    a = torch.linspace(-12, 12, 1001)
    assert (tanh(a).double() - torch.tanh(a.double())).abs().max() < 3e-7
    assert torch.autograd.gradcheck(tanh, a[::20].double().requires_grad_())
