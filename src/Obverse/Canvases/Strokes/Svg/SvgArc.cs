namespace Obverse;

/// <summary>An elliptical arc as cubic curves, from its endpoints to its centre (SVG 1.1, appendix F.6). A curve takes a quarter turn at most, off by 0.03 % of the radius.</summary>
internal static class SvgArc
{
    /// <param name="arc">rx, ry, the rotation in degrees, the flags of the larger arc and of the positive direction, x, y.</param>
    /// <returns>For each curve two control points and the end: x, y, x, y, x, y.</returns>
    public static List<double> Curves(double x, double y, double[] arc, double toX, double toY)
    {
        List<double> curves = [];
        var (rx, ry, isLarge, isPositive) = (Math.Abs(arc[0]), Math.Abs(arc[1]), arc[3] != 0, arc[4] != 0);
        if ((x, y) == (toX, toY)) return curves;
        if (rx == 0 || ry == 0) return [x + (toX - x) / 3, y + (toY - y) / 3, x + (toX - x) * 2 / 3, y + (toY - y) * 2 / 3, toX, toY];

        var (sin, cos) = Math.SinCos(arc[2] * Math.PI / 180);
        var (halfX, halfY) = ((cos * (x - toX) + sin * (y - toY)) / 2, (cos * (y - toY) - sin * (x - toX)) / 2);
        var reach = halfX / rx * (halfX / rx) + halfY / ry * (halfY / ry);
        if (reach > 1) (rx, ry, reach) = (rx * Math.Sqrt(reach), ry * Math.Sqrt(reach), 1); // radii too small for the distance grow
        // On the unit circle: the endpoints, the centre between them, the angles.
        var (ux, uy) = (halfX / rx, halfY / ry);
        var aside = (isLarge == isPositive ? -1 : 1) * Math.Sqrt(Math.Max(0, 1 / reach - 1));
        var (centreX, centreY) = (aside * uy, -aside * ux);
        var from = Math.Atan2(uy - centreY, ux - centreX);
        var turn = Math.Atan2(-uy - centreY, -ux - centreX) - from;
        if (isPositive && turn < 0) turn += 2 * Math.PI;
        if (!isPositive && turn > 0) turn -= 2 * Math.PI;

        void Add(double onX, double onY)
        {
            var (px, py) = ((onX + centreX) * rx, (onY + centreY) * ry);
            curves.AddRange([cos * px - sin * py + (x + toX) / 2, sin * px + cos * py + (y + toY) / 2]);
        }

        var count = Math.Max(1, (int)Math.Ceiling(Math.Abs(turn) / (Math.PI / 2) - 1e-3)); // a rounded quarter is one curve
        var handle = 4.0 / 3 * Math.Tan(turn / count / 4);
        for (var i = 0; i < count; i++)
        {
            var ((sinA, cosA), (sinB, cosB)) = (Math.SinCos(from + turn * i / count), Math.SinCos(from + turn * (i + 1) / count));
            Add(cosA - handle * sinA, sinA + handle * cosA);
            Add(cosB + handle * sinB, sinB - handle * cosB);
            Add(cosB, sinB);
        }

        (curves[^2], curves[^1]) = (toX, toY);
        return curves;
    }
}
