// Classes with inheritance, accessors, statics, private methods, instanceof and method chaining.
import { createSync } from 'nango';
import { z } from 'zod';

const Shape = z.object({ id: z.string(), area: z.number(), text: z.string() });

abstract class Figure {
    static #made = 0;
    readonly number = ++Figure.#made;
    constructor(protected readonly name: string) {}
    abstract get area(): number;
    static get made(): number {
        return Figure.#made;
    }
    #mark() {
        return `#${this.number}`;
    }
    toString() {
        return `${this.constructor === Object ? '' : this.name}${this.#mark()} of ${this.area.toFixed(1)}`;
    }
}
class Circle extends Figure {
    constructor(private radius: number) {
        super('circle');
    }
    get area() {
        return Math.PI * this.radius ** 2;
    }
}
class Box extends Figure {
    private sides: [number, number] = [0, 0];
    with(...sides: [number, number]): this {
        this.sides = sides;
        return this;
    }
    get area() {
        const [a, b] = this.sides;
        return a * b;
    }
    override toString() {
        return `[${super.toString()}]`;
    }
}

const sync = createSync({
    description: 'Figures with their areas',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Shape },

    exec: async (nango) => {
        const { data } = await nango.get<{ r?: number; sides?: [number, number] }[]>({ endpoint: '/figures' });
        const figures = data.map(({ r, sides }) => (r !== undefined ? new Circle(r) : new Box('box').with(...(sides ?? [1, 1]))));
        await nango.batchSave(figures.map((figure) => ({ id: String(figure.number), area: figure.area, text: `${figure} ${figure instanceof Circle} ${Figure.made}` })), 'Shape');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
