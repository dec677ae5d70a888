// The loops of linear probes trained by gradient descent, compiled once for each level under the
// names that FN makes. Rows are dense, or list the features that are not zero.

float FN(ck_dot)(const float *x, const float *y, long count) {
    v8f a = all8(0.0f), b = a, c = a, d = a;
    long i = 0;
    for (; i + 32 <= count; i += 32) {
        a = fma8(load8(x + i), load8(y + i), a);
        b = fma8(load8(x + i + 8), load8(y + i + 8), b);
        c = fma8(load8(x + i + 16), load8(y + i + 16), c);
        d = fma8(load8(x + i + 24), load8(y + i + 24), d);
    }
    for (; i < count; i += 8)
        a = fma8(row8(x, i, count), row8(y, i, count), a);
    return (float)sum8(wide8((a + b) + (c + d)));
}

void FN(ck_add_multiple)(float factor, const float *x, long count, float *y) {
    long i = 0;
    for (; i + 8 <= count; i += 8)
        store8(y + i, fma8(all8(factor), load8(x + i), load8(y + i)));
    for (; i < count; i++)
        y[i] = fmaf(factor, x[i], y[i]);
}

float FN(ck_sparse_dot)(const int32_t *indices, const float *values, long count, const float *y) {
    float a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0, a6 = 0, a7 = 0;
    long i = 0;
    for (; i + 8 <= count; i += 8) {
        a0 = fmaf(values[i], y[indices[i]], a0);
        a1 = fmaf(values[i + 1], y[indices[i + 1]], a1);
        a2 = fmaf(values[i + 2], y[indices[i + 2]], a2);
        a3 = fmaf(values[i + 3], y[indices[i + 3]], a3);
        a4 = fmaf(values[i + 4], y[indices[i + 4]], a4);
        a5 = fmaf(values[i + 5], y[indices[i + 5]], a5);
        a6 = fmaf(values[i + 6], y[indices[i + 6]], a6);
        a7 = fmaf(values[i + 7], y[indices[i + 7]], a7);
    }
    for (; i < count; i++)
        a0 = fmaf(values[i], y[indices[i]], a0);
    return (float)sum8(wide8((v8f){a0, a1, a2, a3, a4, a5, a6, a7}));
}

void FN(ck_add_sparse_multiple)(float factor, const int32_t *indices, const float *values,
                                long count, float *y) {
    for (long i = 0; i < count; i++)
        y[indices[i]] = fmaf(factor, values[i], y[indices[i]]);
}

/// One vector of parameters, moments and gradients.
INLINE v8f adamw8(ck_adamw s, v8f x, v8f gradient, v8f *first, v8f *second) {
    v8f sign = select8(x > all8(0.0f), all8(s.l1), select8(x < all8(0.0f), all8(-s.l1), all8(0)));
    v8f g = gradient + sign;
    v8f m = fma8(all8(s.first_rest), g - *first, *first);
    v8f v = fma8(all8(s.second_rest) * g, g, *second * all8(s.second));
    v8f root = __builtin_elementwise_sqrt(v) / all8(s.correction) + all8(s.epsilon);
    *first = m;
    *second = v;
    return x * all8(s.decay) + all8(s.step) * m / root;
}

void FN(ck_adamw_step)(ck_adamw s, long count, float *x, float *gradient, float *first,
                       float *second) {
    long i = 0;
    for (; i + 8 <= count; i += 8) {
        v8f m = load8(first + i), v = load8(second + i);
        store8(x + i, adamw8(s, load8(x + i), load8(gradient + i), &m, &v));
        store8(first + i, m);
        store8(second + i, v);
        store8(gradient + i, all8(0.0f));
    }
    if (i < count) {
        long some = count - i;
        v8f m = load_some(first + i, some, 0), v = load_some(second + i, some, 0);
        v8f y = adamw8(s, load_some(x + i, some, 0), load_some(gradient + i, some, 0), &m, &v);
        store_some(x + i, some, y);
        store_some(first + i, some, m);
        store_some(second + i, some, v);
        store_some(gradient + i, some, all8(0.0f));
    }
}
