/* SPDX-License-Identifier: MIT */
#include "tests/other_file.h"

trale_async_extern(nap)
{
    trale_begin();
    while (self->n_sleeps-- > 0)
        trale_try(trale_sleep(&self->sleep, 1));
    trale_return(self->result);
}

static void counted_nap_end(struct counted_nap *self)
{
    ++*self->n_ends;
}

trale_async_extern_with(counted_nap, counted_nap_end)
{
    trale_begin();
    trale_try(trale_call(nap, &self->nap, .n_sleeps = self->n_sleeps, .result = self->result));
    trale_return(trale_result() + 1);
}
