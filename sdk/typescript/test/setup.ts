import { beforeEach, vi } from 'vitest';

// Pauses are jittered; tests want the same ones each time.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0.9));
