#include "CSQLiteSetup.h"
