#!/usr/bin/env node
import { enterProgram } from './enter-program.ts';

enterProgram('mtget');
