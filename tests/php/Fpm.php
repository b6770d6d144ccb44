<?php

namespace Transmit\Test;
