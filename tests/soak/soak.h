// Stages of the soak that have a file of their own. Each runs `count` times and returns how often
// something went wrong.
#pragma once

long containers(long count);
