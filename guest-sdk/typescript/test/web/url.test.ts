import { testRows } from './rows.ts';

testRows('url.ts');
