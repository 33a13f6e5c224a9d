// Whole pages, page-aligned.
#pragma once

void copy_page(void *to, const void *from);
void clear_page(void *page);
