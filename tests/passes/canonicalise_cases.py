"""What each rule of canonicalisation makes of a graph: the lines before and after."""

from __future__ import annotations

# rule, lines before, after; x, y: float32[2, 3], i: int64[2, 3], b: bool[2, 3], key: a random key
CASES = """
add_zero
    zero: int64[] = constant(value=0, dtype=int64)
    r: int64[2, 3] = add(i, zero)
    return r
->
    return i

add_zero
    zero: float32[] = constant(value=-0.0, dtype=float32)
    r: float32[2, 3] = add(zero, x)
    return r
->
    return x

add_zero
    zero: int64[4, 2, 3] = full(shape=[4, 2, 3], value=0, dtype=int64)
    r: int64[4, 2, 3] = add(i, zero)
    return r
->
    r: int64[4, 2, 3] = broadcast_to(i, shape=[4, 2, 3])
    return r

subtract_zero
    zero: float32[] = constant(value=0.0, dtype=float32)
    r: float32[2, 3] = sub(x, zero)
    return r
->
    return x

times_one
    one: float32[] = constant(value=1, dtype=float32)
    a: float32[2, 3] = mul(one, x)
    r: float32[2, 3] = div(a, one)
    return r
->
    return x

times_one
    minus: float32[] = constant(value=-1.0, dtype=float32)
    r: float32[2, 3] = mul(x, minus)
    return r
->
    r: float32[2, 3] = neg(x)
    return r

times_zero
    zero: int64[] = constant(value=0, dtype=int64)
    r: int64[2, 3] = mul(i, zero)
    return r
->
    r: int64[2, 3] = full(shape=[2, 3], value=0, dtype=int64)
    return r

double_negative
    a: float32[2, 3] = neg(x)
    r: float32[2, 3] = neg(a)
    return r
->
    return x

add_negative
    a: float32[2, 3] = neg(y)
    r: float32[2, 3] = add(x, a)
    return r
->
    r: float32[2, 3] = sub(x, y)
    return r

add_negative
    a: float32[2, 3] = neg(y)
    r: float32[2, 3] = add(a, x)
    return r
->
    r: float32[2, 3] = sub(x, y)
    return r

subtract_negative
    a: float32[2, 3] = neg(y)
    r: float32[2, 3] = sub(x, a)
    return r
->
    r: float32[2, 3] = add(x, y)
    return r

two_negatives
    a: float32[2, 3] = neg(x)
    b2: float32[2, 3] = neg(y)
    r: float32[2, 3] = div(a, b2)
    return r
->
    r: float32[2, 3] = div(x, y)
    return r

same_operands
    r: int64[2, 3] = sub(i, i)
    return r
->
    r: int64[2, 3] = full(shape=[2, 3], value=0, dtype=int64)
    return r

divide_by_power_of_two
    c: float32[] = constant(value=-8.0, dtype=float32)
    r: float32[2, 3] = div(x, c)
    return r
->
    r.constant: float32[] = constant(value=-0.125, dtype=float32)
    r: float32[2, 3] = mul(x, r.constant)
    return r

small_powers
    c: float32[] = constant(value=2, dtype=float32)
    r: float32[2, 3] = pow(x, c)
    return r
->
    r: float32[2, 3] = mul(x, x)
    return r

small_powers
    c: float32[] = constant(value=0.0, dtype=float32)
    r: float32[2, 3] = pow(x, c)
    return r
->
    r: float32[2, 3] = full(shape=[2, 3], value=1, dtype=float32)
    return r

small_powers
    c: float32[] = constant(value=1.0, dtype=float32)
    r: float32[2, 3] = pow(x, c)
    return r
->
    return x

twice_the_same
    a: float32[2, 3] = relu(x)
    r: float32[2, 3] = relu(a)
    return r
->
    a: float32[2, 3] = relu(x)
    return a

absolute_of_negative
    a: float32[2, 3] = neg(x)
    r: float32[2, 3] = abs(a)
    return r
->
    r: float32[2, 3] = abs(x)
    return r

extreme_of_one
    r: float32[2, 3] = maximum(x, x)
    return r
->
    return x

hand_on
    a: float32[2, 3] = identity(x)
    r: float32[2, 3] = stop_gradient(a)
    return r
->
    return x

cast_to_own_type
    r: float32[2, 3] = cast(x, dtype=float32)
    return r
->
    return x

cast_twice
    a: float64[2, 3] = cast(x, dtype=float64)
    r: int32[2, 3] = cast(a, dtype=int32)
    return r
->
    r: int32[2, 3] = cast(x, dtype=int32)
    return r

known_choice
    c: bool[] = constant(value=false, dtype=bool)
    r: float32[2, 3] = where(c, x, y)
    return r
->
    return y

known_choice
    r: float32[2, 3] = where(b, x, x)
    return r
->
    return x

double_not
    a: bool[2, 3] = logical_not(b)
    r: bool[2, 3] = logical_not(a)
    return r
->
    return b

not_equal
    a: bool[2, 3] = equal(x, y)
    r: bool[2, 3] = logical_not(a)
    return r
->
    r: bool[2, 3] = not_equal(x, y)
    return r

logic_of_one
    r: bool[2, 3] = logical_and(b, b)
    return r
->
    return b

named_fill
    r: float32[2] = ones(shape=[2], dtype=float32)
    return r
->
    r: float32[2] = full(shape=[2], value=1, dtype=float32)
    return r

certain_draw
    r: float32[2] = bernoulli(key, p=1, shape=[2], dtype=float32, stream="r")
    return r
->
    r: float32[2] = full(shape=[2], value=1, dtype=float32)
    return r

certain_draw
    r: float32[2] = bernoulli(key, p=0, shape=[2], dtype=float32, stream="r")
    return r
->
    r: float32[2] = full(shape=[2], value=0, dtype=float32)
    return r

filled_scalar
    r: float32[] = full(shape=[], value=2.5, dtype=float32)
    return r
->
    r: float32[] = constant(value=2.5, dtype=float32)
    return r

moved_fill
    a: float32[2, 3] = full(shape=[2, 3], value=2, dtype=float32)
    r: float32[3, 2] = transpose(a, axes=[1, 0])
    return r
->
    r: float32[3, 2] = full(shape=[3, 2], value=2, dtype=float32)
    return r

stretched_operand
    a: float32[2, 3] = full(shape=[2, 3], value=2, dtype=float32)
    r: float32[2, 3] = mul(a, x)
    return r
->
    r.constant: float32[] = constant(value=2, dtype=float32)
    r: float32[2, 3] = mul(r.constant, x)
    return r

stretched_operand
    s: float32[3] = sum(x, axis=[0], keepdims=false)
    a: float32[2, 3] = broadcast_to(s, shape=[2, 3])
    r: float32[2, 3] = where(b, x, a)
    return r
->
    s: float32[3] = sum(x, axis=[0], keepdims=false)
    r: float32[2, 3] = where(b, x, s)
    return r

moves_nothing
    r: float32[2, 3] = reshape(x, shape=[2, 3])
    return r
->
    return x

moves_nothing
    r: float32[2, 3] = transpose(x, axes=[0, 1])
    return r
->
    return x

moves_nothing
    r: float32[2, 3] = slice(x, index=[["slice", 0, 2, 1], ["slice", 0, 3, 1]])
    return r
->
    return x

moves_nothing
    r: float32[2, 3] = concat(x, axis=0)
    return r
->
    return x

reshape_twice
    a: float32[2, 3, 1] = expand_dims(x, axis=[2])
    r: float32[6] = reshape(a, shape=[6])
    return r
->
    r: float32[6] = reshape(x, shape=[6])
    return r

transpose_twice
    a: float32[3, 2] = transpose(x, axes=[1, 0])
    r: float32[2, 3] = transpose(a, axes=[1, 0])
    return r
->
    return x

transpose_twice
    w: float32[1, 2, 3] = expand_dims(x, axis=[0])
    a: float32[3, 1, 2] = transpose(w, axes=[2, 0, 1])
    r: float32[3, 2, 1] = transpose(a, axes=[0, 2, 1])
    return r
->
    w: float32[1, 2, 3] = expand_dims(x, axis=[0])
    r: float32[3, 2, 1] = transpose(w, axes=[2, 1, 0])
    return r

broadcast_twice
    a: float32[4, 2, 3] = broadcast_to(x, shape=[4, 2, 3])
    r: float32[5, 4, 2, 3] = broadcast_to(a, shape=[5, 4, 2, 3])
    return r
->
    r: float32[5, 4, 2, 3] = broadcast_to(x, shape=[5, 4, 2, 3])
    return r

flip_twice
    a: float32[2, 3] = flip(x, axis=[1])
    r: float32[2, 3] = flip(a, axis=[1])
    return r
->
    return x

reduce_nothing
    r: float32[2, 3] = max(x, axis=[], keepdims=false)
    return r
->
    return x
"""
